//! The same over real databases: SQLite, and PostgreSQL where it has to be there.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use acceptance::{
    Database, Databases, Engine, is_required,
    serde_json::json,
    tokio::{runtime::Runtime, time::timeout},
};
use async_trait::async_trait;
use chassis::{Ctx, Fault, event::Recorded};
use step_07_messaging::{Consumer, Delivered, Feed, Outbox, Read, Reader, Relay, Subscription};
use store::{Recorder, Store, Tx, query};
use uuid::Uuid;

/// A database to try something on.
pub(crate) struct Real {
    database: Database,
    name: Engine,
}

/// Runs `test` on SQLite; and on PostgreSQL where `WORKSHOP_REQUIRE` has `docker`: it takes its time to start.
pub(crate) fn on_each(test: &impl AsyncFn(&Real)) {
    let all = Databases::default();
    let engines = if is_required("docker") { Engine::ALL } else { &[Engine::Sqlite] };
    for &name in engines {
        let database = all.fresh(name).map_err(|missing| missing.reason).expect("a database");
        let runtime = Runtime::new().expect("a runtime");
        runtime.block_on(test(&Real { database, name }));
    }
    all.stop();
}

/// A feed in memory, which hands each message over as often as it is asked.
#[derive(Debug, Default)]
struct Memory(Mutex<Vec<Recorded>>);

impl Memory {
    fn texts(&self) -> Vec<String> {
        let messages = self.0.lock().expect("no panic");
        messages.iter().map(|message| message.data["text"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

#[async_trait]
impl Feed for Memory {
    async fn publish(&self, _: &Ctx, messages: &[Recorded]) -> Result<(), Fault> {
        self.0.lock().expect("no panic").extend_from_slice(messages);
        Ok(())
    }

    async fn read(&self, _: &Ctx, reader: &Reader, _: usize) -> Result<Read, Fault> {
        let messages = self.0.lock().expect("no panic").clone();
        let placed = messages.into_iter().zip(1..).filter(|(_, position)| *position > reader.after.position);
        // Each five times.
        let feed: Arc<str> = "memory".into();
        let deliver = |(message, position)| {
            let (feed, message) = (feed.clone(), Arc::new(message));
            vec![Delivered { feed, position, message, handle: None }; 5]
        };
        let messages = placed.flat_map(deliver).collect();
        Ok(Read { feed: feed.clone(), messages, unreadable: None })
    }

    async fn done(&self, _: &Ctx, _: &Delivered) -> Result<(), Fault> {
        Ok(())
    }

    async fn behind(&self, _: &Ctx, _: &Reader) -> Result<i64, Fault> {
        Ok(0)
    }
}

fn message(task: &str, text: &str) -> Recorded {
    Recorded {
        id: Uuid::now_v7(),
        kind: "backlog.task_assigned".to_owned(),
        version: 1,
        origin: "api".to_owned(),
        subject: task.to_owned(),
        time: jiff::Timestamp::now(),
        data: json!({ "text": text }),
    }
}

struct Service {
    store: Store,
    outbox: Arc<Outbox>,
    feed: Arc<Memory>,
}

impl Service {
    /// A process of the service, started on its database.
    async fn start(real: &Real, feed: &Arc<Memory>) -> Self {
        let outbox = Outbox::new();
        let store = Store::connect(&real.database.url().parse().expect("a URL")).await.expect("a database");
        store.migrate(step_07_messaging::MODULE, step_07_messaging::migrations()).await.expect("tables");
        let effects = "CREATE TABLE IF NOT EXISTS effects (consumer TEXT, text TEXT)";
        query(effects).execute(&store).await.expect("a table");
        Self { store: store.recording(outbox.clone()), outbox, feed: feed.clone() }
    }

    fn relay(&self) -> Relay {
        Relay::new(self.store.clone(), self.outbox.clone(), self.feed.clone())
    }

    /// As long as there is something to do, and not for ever.
    async fn relay_all(&self) {
        let relay = self.relay();
        for _ in 0..50 {
            if !relay.run_once().await.is_ok_and(|published| published > 0) {
                break;
            }
        }
    }

    async fn begin(&self) -> Tx {
        self.store.begin_write().await.expect("a transaction")
    }
}

pub(crate) async fn a_change_that_is_rolled_back_tells_nobody(real: &Real) {
    let feed = Arc::new(Memory::default());
    let service = Service::start(real, &feed).await;
    let mut tx = service.begin().await;
    let wait = Duration::from_secs(8);
    let recorded =
        timeout(wait, service.outbox.before_commit(&mut tx, &[message("task 7", "is Mona's")])).await;
    drop(tx);
    assert!(
        matches!(recorded, Ok(Ok(()))),
        "On {}, a row of the outbox could not be written: {recorded:?}. Somebody waits for a lock that their own transaction holds.",
        real.name
    );
    service.relay_all().await;
    let told = feed.texts();
    assert!(
        told.is_empty(),
        "On {}, the transaction was rolled back, and the feed was told {told:?}.",
        real.name
    );
}

pub(crate) async fn a_change_arrives_after_a_restart(real: &Real) {
    let feed = Arc::new(Memory::default());
    {
        let service = Service::start(real, &feed).await;
        let mut tx = service.begin().await;
        let recorded = service.outbox.before_commit(&mut tx, &[message("task 8", "is Ben's")]).await;
        assert!(
            recorded.is_ok(),
            "On {}, a row of the outbox could not be written: {recorded:?}.",
            real.name
        );
        tx.commit().await.expect("a commit");
        // Killed here: whatever it had in hand is gone.
    }
    Service::start(real, &feed).await.relay_all().await;
    let told = feed.texts();
    assert!(
        told == ["is Ben's"],
        "On {}, the change was committed, the process was killed at that moment and started again. The feed was told {told:?}, and \
         should be told \"is Ben's\".",
        real.name
    );
}

pub(crate) async fn an_older_transaction_that_commits_second_is_not_skipped(real: &Real) {
    let feed = Arc::new(Memory::default());
    let service = Service::start(real, &feed).await;
    let (older, newer) = (message("task 7", "older"), message("task 8", "newer"));
    let commit = async |message: Recorded| {
        let mut tx = service.begin().await;
        service.outbox.before_commit(&mut tx, &[message]).await.expect("a row");
        tx.commit().await.expect("a commit");
    };
    if real.name == Engine::Postgres {
        let mut first = service.begin().await;
        service.outbox.before_commit(&mut first, &[older]).await.expect("a row");
        commit(newer).await;
        service.relay_all().await;
        first.commit().await.expect("a commit");
    } else {
        // SQLite has one writer at a time; but an id is made before its transaction has the lock.
        commit(newer).await;
        service.relay_all().await;
        commit(older).await;
    }
    service.relay_all().await;
    let told = feed.texts();
    assert!(
        told == ["newer", "older"],
        "On {}, the transaction with the older message committed second. The feed was told {told:?}.",
        real.name
    );
}

/// Writes down what it takes.
struct Diary;

#[async_trait]
impl Consumer for Diary {
    fn name(&self) -> &'static str {
        "diary"
    }

    fn wants(&self) -> &'static [&'static str] {
        &["backlog"]
    }

    async fn apply(&self, tx: &mut Tx, message: &Recorded) -> Result<(), Fault> {
        let text = message.data["text"].as_str().unwrap_or_default();
        query("INSERT INTO effects (consumer, text) VALUES ('diary', $1)").bind(text).execute(tx).await?;
        Ok(())
    }
}

pub(crate) async fn five_deliveries_are_one_effect(real: &Real) {
    let feed = Arc::new(Memory::default());
    let services = [Service::start(real, &feed).await, Service::start(real, &feed).await];
    feed.0.lock().expect("no panic").extend([message("task 7", "is Mona's"), message("task 7", "is done")]);
    let run = async |service: &Service| {
        let subscription = Subscription::new(service.store.clone(), feed.clone(), Arc::new(Diary));
        for _ in 0..3 {
            let _ = timeout(Duration::from_secs(6), subscription.run_once()).await;
        }
    };
    acceptance::tokio::join!(run(&services[0]), run(&services[1]));
    let rows: Vec<(String,)> =
        query("SELECT text FROM effects").fetch_all(&services[0].store).await.expect("rows");
    let mut done: Vec<_> = rows.into_iter().map(|(text,)| text).collect();
    done.sort();
    assert!(
        done == ["is Mona's", "is done"],
        "On {}, two messages were delivered five times each to each of two processes, and took effect as {done:?}.",
        real.name
    );
    let parked = services[0].store.count("SELECT count(*) FROM parked").await.expect("a count");
    assert!(
        parked == 0,
        "On {}, {parked} messages were parked, though every one of them took effect.",
        real.name
    );
    let position =
        services[0].store.count("SELECT coalesce(max(position), 0) FROM positions").await.expect("a count");
    assert!(
        position == 2,
        "On {}, two messages are done with, and the consumer believes that it is at {position}: it reads them for ever.",
        real.name
    );
}
