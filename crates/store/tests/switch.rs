//! A store over two databases reads and writes where it is told, and nobody who uses it notices.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use acceptance::Database;
use async_trait::async_trait;
use chassis::Fault;
use store::{Backend, Error, Store, Switch, Tx, lease::Lease, query};

acceptance::on_both_databases!(
    each_read_and_each_write_goes_where_it_is_told,
    a_transaction_stays_where_it_began,
    where_no_side_takes_writes_the_fault_is_unavailable
);

/// Two databases, of which a switch chooses one.
#[derive(Debug)]
struct Two {
    sides: [Store; 2],
    reads_second: AtomicBool,
    writes_second: AtomicBool,
    is_fenced: AtomicBool,
    written: AtomicUsize,
}

#[async_trait]
impl Switch for Two {
    fn backend(&self) -> Backend {
        self.sides[0].backend()
    }

    async fn reads(&self) -> Result<Store, Error> {
        Ok(self.sides[usize::from(self.reads_second.load(Ordering::Relaxed))].clone())
    }

    async fn begin_write(&self) -> Result<Tx, Error> {
        if self.is_fenced.load(Ordering::Relaxed) {
            return Err(Error::away("a fence"));
        }
        self.written.fetch_add(1, Ordering::Relaxed);
        self.sides[usize::from(self.writes_second.load(Ordering::Relaxed))].begin_write().await
    }

    async fn is_there(&self) -> bool {
        !self.is_fenced.load(Ordering::Relaxed)
    }

    async fn close(&self) {
        for side in &self.sides {
            side.close().await;
        }
    }
}

/// A store over both, the switch, and each side by itself.
async fn two(database: &Database) -> (Store, Arc<Two>) {
    let open = async |url: &str| {
        let store = Store::connect(&url.parse().unwrap()).await.unwrap();
        store.migrate("rooms", sqlx::migrate!("tests/migrations")).await.unwrap();
        store
    };
    let two = Arc::new(Two {
        sides: [open(database.url()).await, open(&database.another().unwrap()).await],
        reads_second: AtomicBool::new(false),
        writes_second: AtomicBool::new(false),
        is_fenced: AtomicBool::new(false),
        written: AtomicUsize::new(0),
    });
    (Store::switched(two.clone()), two)
}

async fn add(store: &Store, id: &str) {
    let add = query("INSERT INTO rooms (id, name, seats, weight) VALUES ($1, $1, 0, 0.5)").bind(id);
    assert_eq!(add.execute(store).await.unwrap(), 1);
}

async fn count(store: &Store) -> i64 {
    store.count("SELECT count(*) FROM rooms").await.unwrap()
}

async fn each_read_and_each_write_goes_where_it_is_told(database: Database) {
    let (store, two) = two(&database).await;
    add(&store, "1").await;
    assert_eq!((count(&store).await, count(&two.sides[0]).await, count(&two.sides[1]).await), (1, 1, 0));
    two.writes_second.store(true, Ordering::Relaxed);
    add(&store, "2").await;
    add(&store, "3").await;
    assert_eq!((count(&store).await, count(&two.sides[1]).await), (1, 2), "reads are still told the first");
    two.reads_second.store(true, Ordering::Relaxed);
    assert_eq!(count(&store).await, 2);
    // A claim is a write that answers with a row.
    let before = two.written.load(Ordering::Relaxed);
    let minute = Duration::from_secs(60);
    let lease = Lease::claim(&store, "rooms", "1 = 1", "we", minute).await.unwrap().unwrap();
    assert_eq!(lease.id(), "2", "the oldest of the second database");
    assert!(lease.renew(&store).await.unwrap());
    lease.release(&store).await.unwrap();
    assert_eq!(two.written.load(Ordering::Relaxed) - before, 3, "each went through a transaction");
    let free = "SELECT count(*) FROM rooms WHERE lease_owner IS NULL";
    assert_eq!(two.sides[1].count(free).await.unwrap(), 2);
}

async fn a_transaction_stays_where_it_began(database: Database) {
    let (store, two) = two(&database).await;
    let mut tx = store.begin_write().await.unwrap();
    two.writes_second.store(true, Ordering::Relaxed);
    two.reads_second.store(true, Ordering::Relaxed);
    query("INSERT INTO rooms (id, name, seats, weight) VALUES ('1', 'a', 0, 0)")
        .execute(&mut tx)
        .await
        .unwrap();
    let (rooms,): (i64,) = query("SELECT count(*) FROM rooms").fetch_one(&mut tx).await.unwrap();
    assert_eq!(rooms, 1);
    tx.commit().await.unwrap();
    assert_eq!((count(&two.sides[0]).await, count(&two.sides[1]).await), (1, 0));
}

async fn where_no_side_takes_writes_the_fault_is_unavailable(database: Database) {
    let (store, two) = two(&database).await;
    assert!(store.is_there().await);
    two.is_fenced.store(true, Ordering::Relaxed);
    assert!(!store.is_there().await);
    let refused = query("DELETE FROM rooms").execute(&store).await.unwrap_err();
    assert!(matches!(Fault::from(refused), Fault::Unavailable(_)));
    assert_eq!(count(&store).await, 0, "reads go on");
}
