//! The store on SQLite and on PostgreSQL: what one code has to mean on both.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use acceptance::{
    Database, Engine,
    futures::{StreamExt, poll, stream},
    tokio,
};
use chassis::{
    Fault,
    idempotency::{Answer, IdempotencyKey},
};
use store::{DatabaseUrl, OnConstraint, Query, Sql, Store, idempotency, lease::Lease, query};

acceptance::on_both_databases!(
    a_transaction_that_is_dropped_never_happened,
    who_hangs_up_while_a_transaction_begins_leaves_none_behind,
    two_hundred_concurrent_counts_lose_none,
    a_taken_name_is_told_from_other_failures,
    text_is_sorted_byte_by_byte,
    a_double_comes_back_to_the_bit,
    a_migration_runs_once_and_modules_do_not_meet,
    of_eight_workers_one_holds_a_row,
    an_expired_lease_is_claimed_and_its_owner_notices,
    a_lease_that_is_given_back_is_free_at_once,
    of_eight_repeats_the_first_that_succeeds_is_kept,
    a_kept_answer_comes_back_as_it_was,
    a_key_is_forgotten_when_it_is_old,
    text_from_a_request_is_only_ever_a_value,
    a_copy_of_a_database_has_its_rows_and_a_life_of_its_own,
    a_database_that_is_gone_is_unavailable,
    a_database_that_takes_no_more_is_unavailable_and_its_connection_works_again,
    a_lock_that_is_never_let_go_is_unavailable_in_time
);

/// A database with the table `rooms`.
async fn rooms(database: &Database) -> Store {
    let url: DatabaseUrl = database.url().parse().unwrap();
    let store = Store::connect(&url).await.unwrap();
    store.migrate("rooms", sqlx::migrate!("tests/migrations")).await.unwrap();
    store
}

async fn add(store: &Store, id: &str, name: &str) -> Result<(), Fault> {
    let mut tx = store.begin_write().await?;
    query("INSERT INTO rooms (id, name, seats, weight) VALUES ($1, $2, 0, 0.5)")
        .bind(id)
        .bind(name)
        .execute(&mut tx)
        .await
        .on_unique_violation("rooms.name", || Fault::Taken(name.to_owned()))?;
    Ok(tx.commit().await?)
}

async fn names(store: &Store) -> Vec<String> {
    let rows: Vec<(String,)> =
        Sql::new("SELECT name FROM rooms ORDER BY name").fetch_all(store).await.unwrap();
    rows.into_iter().map(|(name,)| name).collect()
}

async fn a_transaction_that_is_dropped_never_happened(database: Database) {
    let store = rooms(&database).await;
    let mut tx = store.begin_write().await.unwrap();
    query("INSERT INTO rooms (id, name, seats, weight) VALUES ('1', 'a', 0, 0)")
        .execute(&mut tx)
        .await
        .unwrap();
    drop(tx);
    assert_eq!(names(&store).await, Vec::<String>::new());
}

async fn who_hangs_up_while_a_transaction_begins_leaves_none_behind(database: Database) {
    let (store, others) = (rooms(&database).await, rooms(&database).await);
    let mut wanted = Vec::new();
    for number in 100..140 {
        {
            let mut begins = pin!(store.begin_write());
            let mut patience = number - 99;
            while patience > 0 && poll!(&mut begins).is_pending() {
                tokio::task::yield_now().await;
                patience -= 1;
            }
        }
        let id = number.to_string();
        let insert = query("INSERT INTO rooms (id, name, seats, weight) VALUES ($1, $1, 0, 0)");
        insert.bind(&id).execute(&store).await.unwrap();
        wanted.push(id);
    }
    // What one connection has written, and nobody else sees, was never committed.
    assert_eq!(names(&others).await, wanted);
}

async fn two_hundred_concurrent_counts_lose_none(database: Database) {
    let store = rooms(&database).await;
    add(&store, "1", "a").await.unwrap();
    // Whoever wants a connection waits a few seconds for it at most.
    let counts = stream::iter(0..200)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut tx = store.begin_write().await?;
                let read = format!("SELECT seats FROM rooms WHERE id = '1'{}", store.for_update());
                let (seats,): (i64,) = Query::assembled(read).fetch_one(&mut tx).await?;
                query("UPDATE rooms SET seats = $1 WHERE id = '1'").bind(seats + 1).execute(&mut tx).await?;
                tx.commit().await
            })
        })
        .buffer_unordered(50);
    let counts: Vec<_> = counts.collect().await;
    for count in counts {
        count.unwrap().unwrap();
    }
    let rows: Vec<(i64,)> = Sql::new("SELECT seats FROM rooms").fetch_all(&store).await.unwrap();
    assert_eq!(rows, [(200,)]);
}

async fn a_taken_name_is_told_from_other_failures(database: Database) {
    let store = rooms(&database).await;
    add(&store, "1", "a").await.unwrap();
    assert!(matches!(add(&store, "2", "a").await, Err(Fault::Taken(name)) if name == "a"));
    // The primary key is another constraint: nobody has said what its violation means.
    assert!(matches!(add(&store, "1", "b").await, Err(Fault::Internal(_))));
    assert_eq!(names(&store).await, ["a"]);
}

async fn text_is_sorted_byte_by_byte(database: Database) {
    let store = rooms(&database).await;
    for (id, name) in ["b", "A", "a-b", "aB", "a#10", "a#9", "é", "Z"].into_iter().enumerate() {
        add(&store, &id.to_string(), name).await.unwrap();
    }
    assert_eq!(names(&store).await, ["A", "Z", "a#10", "a#9", "a-b", "aB", "b", "é"]);
    let mut sql = Sql::new("SELECT name FROM rooms WHERE name > ");
    sql.bind("a-a").push(" ORDER BY name");
    let after: Vec<(String,)> = sql.fetch_all(&store).await.unwrap();
    assert_eq!(
        after.first().map(|(name,)| name.as_str()),
        Some("a-b"),
        "a cursor compares as the list sorts"
    );
}

async fn a_double_comes_back_to_the_bit(database: Database) {
    let store = rooms(&database).await;
    add(&store, "1", "a").await.unwrap();
    for weight in [0.1 + 0.2, f64::MIN_POSITIVE, 1e300, 1.0 / 3.0] {
        let mut sql = Sql::new("UPDATE rooms SET weight = ");
        sql.bind(weight);
        let mut tx = store.begin_write().await.unwrap();
        assert_eq!(sql.execute(&mut tx).await.unwrap(), 1);
        tx.commit().await.unwrap();
        let mut sql = Sql::new("SELECT weight FROM rooms WHERE weight = ");
        sql.bind(weight);
        let rows: Vec<(f64,)> = sql.fetch_all(&store).await.unwrap();
        assert_eq!(rows, [(weight,)]);
    }
}

async fn a_migration_runs_once_and_modules_do_not_meet(database: Database) {
    let store = rooms(&database).await;
    add(&store, "1", "a").await.unwrap();
    store.migrate("rooms", sqlx::migrate!("tests/migrations")).await.unwrap();
    assert_eq!(names(&store).await, ["a"]);
    // Another module's migration 1 is another migration: it fails on the table, not on the number.
    let error = store.migrate("others", sqlx::migrate!("tests/migrations")).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("rooms"), "{source}");
}

async fn of_eight_workers_one_holds_a_row(database: Database) {
    let store = rooms(&database).await;
    add(&store, "1", "a").await.unwrap();
    // Whether two reach for the row at the same moment is chance, so chance is given thirty times.
    for round in 0..30 {
        let claims: Vec<_> = (0..8)
            .map(|worker| {
                let store = store.clone();
                tokio::spawn(async move {
                    let owner = format!("{round}/{worker}");
                    Lease::claim(&store, "rooms", "seats = 0", &owner, Duration::from_secs(60)).await
                })
            })
            .collect();
        let mut held = Vec::new();
        for claim in claims {
            held.extend(claim.await.unwrap().unwrap());
        }
        assert_eq!(held.len(), 1, "{} of eight workers hold the one row", held.len());
        held.remove(0).release(&store).await.unwrap();
    }
}

async fn an_expired_lease_is_claimed_and_its_owner_notices(database: Database) {
    let store = rooms(&database).await;
    add(&store, "1", "a").await.unwrap();
    let claim = async |owner: &str, duration| {
        Lease::claim(&store, "rooms", "seats = 0", owner, duration).await.unwrap()
    };
    let first = claim("first", Duration::from_secs(60)).await.unwrap();
    assert!(claim("second", Duration::from_secs(60)).await.is_none());
    assert!(first.renew(&store).await.unwrap());
    // Time passes, without waiting for it.
    let mut tx = store.begin_write().await.unwrap();
    query("UPDATE rooms SET lease_until = 1").execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let second = claim("second", Duration::from_secs(60)).await.unwrap();
    assert!(!first.renew(&store).await.unwrap(), "the first owner goes on without knowing");
    first.release(&store).await.unwrap();
    assert!(second.renew(&store).await.unwrap(), "the first owner gave back what it no longer had");
}

async fn a_lease_that_is_given_back_is_free_at_once(database: Database) {
    let store = rooms(&database).await;
    add(&store, "1", "a").await.unwrap();
    for owner in ["first", "second"] {
        let lease = Lease::claim(&store, "rooms", "seats = 0", owner, Duration::from_secs(60))
            .await
            .unwrap()
            .unwrap();
        lease.release(&store).await.unwrap();
    }
    assert!(Lease::claim(&store, "rooms", "seats = 1", "x", Duration::from_secs(1)).await.unwrap().is_none());
}

/// Adds a room, once for each key; fails afterwards when `fails` says so.
async fn add_once(store: &Store, key: &str, room: &str, fails: impl Fn() -> bool) -> Result<Answer, Fault> {
    let key =
        IdempotencyKey { key: key.to_owned(), route: "POST /rooms".to_owned(), fingerprint: room.to_owned() };
    idempotency::once(store, "keys", Some(key), async |tx| {
        query("INSERT INTO rooms (id, name, seats, weight) VALUES ($1, $1, 0, 0.5)")
            .bind(room)
            .execute(&mut *tx)
            .await?;
        if fails() {
            return Err(Fault::Taken(room.to_owned()));
        }
        Ok(Answer { etag: Some("\"1\"".to_owned()), ..answer(201, room) })
    })
    .await
}

fn answer(status: u16, room: &str) -> Answer {
    Answer {
        status,
        location: Some(format!("/rooms/{room}")),
        etag: None,
        body: room.to_owned(),
        replayed: false,
    }
}

async fn of_eight_repeats_the_first_that_succeeds_is_kept(database: Database) {
    let store = rooms(&database).await;
    for round in 0..6 {
        let (key, room) = (format!("key-{round}"), format!("room-{round}"));
        let tries = AtomicUsize::new(0);
        let add = || add_once(&store, &key, &room, || tries.fetch_add(1, Ordering::SeqCst) < 2);
        let (a, b, c, d, e, f, g, h) = tokio::join!(add(), add(), add(), add(), add(), add(), add(), add());
        let answers = [a, b, c, d, e, f, g, h];
        let (given, failed): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!((failed.len(), given.len()), (2, 6), "what failed is not kept, what succeeded is");
        let first = given.into_iter().map(Result::unwrap).filter(|answer| !answer.replayed);
        assert_eq!((first.count(), tries.into_inner()), (1, 3), "done again after it had succeeded");
    }
    assert_eq!(names(&store).await.len(), 6);
}

async fn a_kept_answer_comes_back_as_it_was(database: Database) {
    let store = rooms(&database).await;
    let first = add_once(&store, "k", "a", || false).await.unwrap();
    let again = add_once(&store, "k", "a", || false).await.unwrap();
    assert_eq!(again, Answer { replayed: true, ..first });
    assert!(matches!(add_once(&store, "k", "b", || false).await, Err(Fault::Invalid(_))));
    assert!(!add_once(&store, "K", "c", || false).await.unwrap().replayed, "a key is spelt in one way");
}

async fn a_key_is_forgotten_when_it_is_old(database: Database) {
    let store = rooms(&database).await;
    for name in ["old", "young"] {
        let _ = add_once(&store, name, name, || false).await.unwrap();
    }
    let week = 7 * 24 * 60 * 60 * 1000;
    for (name, age) in [("old", week + 1), ("young", week - 60_000)] {
        let mut sql = Sql::new("UPDATE keys SET created_at = ");
        sql.bind(store::now() - age).push_bind(" WHERE idempotency_key = ", name);
        let mut tx = store.begin_write().await.unwrap();
        assert_eq!(sql.execute(&mut tx).await.unwrap(), 1);
        tx.commit().await.unwrap();
    }
    idempotency::forget_old(&store, "keys").await.unwrap();
    let again = async |name: &str| add_once(&store, name, name, || false).await;
    assert!(again("young").await.unwrap().replayed);
    assert!(matches!(again("old").await, Err(Fault::Internal(_))), "the room is there, the key is not");
}

async fn text_from_a_request_is_only_ever_a_value(database: Database) {
    let store = rooms(&database).await;
    let name = "x'; DROP TABLE rooms; --";
    add(&store, "1", name).await.unwrap();
    let mut sql = Sql::new("SELECT name FROM rooms WHERE 1 = 1");
    sql.push_bind(" AND name = ", name).push_bind(" AND seats = ", 0_i64);
    let rows: Vec<(String,)> = sql.fetch_all(&store).await.unwrap();
    assert_eq!(rows, [(name.to_owned(),)]);
}

/// What every scenario of the suite starts on.
async fn a_copy_of_a_database_has_its_rows_and_a_life_of_its_own(database: Database) {
    let store = rooms(&database).await;
    add(&store, "1", "a").await.unwrap();
    store.close().await;
    let (one, another) = (database.copy().unwrap(), database.copy().unwrap());
    let one = Store::connect(&one.url().parse().unwrap()).await.unwrap();
    add(&one, "2", "b").await.unwrap();
    assert_eq!(names(&one).await, ["a", "b"]);
    let another = Store::connect(&another.url().parse().unwrap()).await.unwrap();
    assert_eq!(names(&another).await, ["a"]);
}

async fn a_database_that_is_gone_is_unavailable(database: Database) {
    let store = rooms(&database).await;
    store.close().await;
    let error = store.begin_write().await.unwrap_err();
    assert!(matches!(Fault::from(error), Fault::Unavailable(_)));
}

async fn a_database_that_takes_no_more_is_unavailable_and_its_connection_works_again(database: Database) {
    let store = rooms(&database).await;
    // As when the disk is full, or the server is a copy of another one by now.
    let (no_more, again) = match database.engine() {
        Engine::Sqlite => ("PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1000000000"),
        Engine::Postgres => ("SET TRANSACTION READ ONLY", "ROLLBACK"),
    };
    let mut tx = store.begin_write().await.unwrap();
    let _ = query(no_more).execute(&mut tx).await;
    let error = query("INSERT INTO rooms (id, name, seats, weight) VALUES ('1', $1, 0, 0.5)")
        .bind("x".repeat(1 << 20))
        .execute(&mut tx)
        .await
        .unwrap_err();
    let fault = Fault::from(error);
    assert!(matches!(fault, Fault::Unavailable(_)), "{fault}");
    query(again).execute(&mut tx).await.unwrap();
    drop(tx);
    // The database may have ended the transaction by itself.
    let mut tx = store.begin_write().await.unwrap();
    query("ROLLBACK").execute(&mut tx).await.unwrap();
    drop(tx);
    for number in 0..20 {
        add(&store, &number.to_string(), &number.to_string()).await.unwrap();
    }
}

async fn a_lock_that_is_never_let_go_is_unavailable_in_time(database: Database) {
    let store = rooms(&database).await;
    add(&store, "1", "a").await.unwrap();
    let seat = async || {
        let mut tx = store.begin_write().await?;
        query("UPDATE rooms SET seats = seats + 1").execute(&mut tx).await?;
        Ok::<_, store::Error>(tx)
    };
    let holder = seat().await.unwrap();
    let start = std::time::Instant::now();
    let fault = Fault::from(seat().await.unwrap_err());
    assert!(matches!(fault, Fault::Unavailable(_)), "{fault}");
    assert!(start.elapsed() < Duration::from_secs(9), "longer than anybody waits: {:?}", start.elapsed());
    drop(holder);
    seat().await.unwrap().commit().await.unwrap();
}
