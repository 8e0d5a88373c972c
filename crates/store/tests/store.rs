//! The store on SQLite and on PostgreSQL: what one code has to mean on both.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::{
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use acceptance::{
    Database, Engine, eventually,
    futures::{StreamExt, poll, stream},
    tokio::{
        self,
        net::{TcpListener, TcpStream},
        sync::{Notify, mpsc},
        task::JoinSet,
    },
};
use chassis::{
    Fault,
    event::{Event, Recorded},
    idempotency::{Answer, IdempotencyKey},
    serve::Stop,
};
use store::{
    DatabaseUrl, OnConstraint, Query, Recorder, Sql, Store, idempotency, lease::Lease, query, queue::Queue,
};

acceptance::on_both_databases!(
    a_nul_is_kept_as_the_replacement_character,
    a_transaction_that_is_dropped_never_happened,
    who_hangs_up_while_a_transaction_begins_leaves_none_behind,
    a_commit_that_nobody_waits_for_still_happens_and_is_told,
    two_hundred_concurrent_counts_lose_none,
    a_taken_name_is_told_from_other_failures,
    text_is_sorted_byte_by_byte,
    a_double_comes_back_to_the_bit,
    a_migration_runs_once_and_modules_do_not_meet,
    of_eight_workers_one_holds_a_row,
    an_expired_lease_is_claimed_and_its_owner_notices,
    a_lease_that_is_given_back_is_free_at_once,
    a_clock_that_is_set_forward_hands_out_nothing_that_is_under_way,
    a_clock_that_is_set_back_keeps_no_row_of_somebody_dead,
    of_eight_repeats_the_first_that_succeeds_is_kept,
    a_kept_answer_comes_back_as_it_was,
    a_key_is_forgotten_when_it_is_old,
    text_from_a_request_is_only_ever_a_value,
    a_copy_of_a_database_has_its_rows_and_a_life_of_its_own,
    a_database_that_is_gone_is_unavailable,
    a_database_that_takes_no_more_is_unavailable_and_its_connection_works_again,
    a_database_that_may_only_be_read_is_not_ready,
    a_file_that_is_deleted_or_replaced_takes_no_write,
    a_server_that_refuses_is_told_as_such_and_found_again,
    a_lock_that_is_never_let_go_is_unavailable_in_time
);

async fn a_nul_is_kept_as_the_replacement_character(database: Database) {
    let store = Store::connect(&database.url().parse().unwrap()).await.unwrap();
    let said = "a reason\0 of somebody else's";
    let row: (String,) = query("SELECT $1").bind(said).fetch_one(&store).await.unwrap();
    assert_eq!(row.0, "a reason\u{fffd} of somebody else's");
}

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

/// What a transaction that added a room tells.
#[derive(Debug, serde::Serialize)]
struct Added(String);

impl Event for Added {
    fn kind(&self) -> &'static str {
        "rooms.added"
    }

    fn origin(&self) -> &str {
        "test"
    }

    fn subject(&self) -> String {
        self.0.clone()
    }
}

/// Remembers which rooms it was told of.
#[derive(Debug, Default)]
struct Ear(Mutex<Vec<String>>);

impl Recorder for Ear {
    fn committed(&self, events: Vec<Recorded>) {
        self.0.lock().unwrap().extend(events.into_iter().map(|event| event.subject));
    }
}

/// A client hangs up, or its time is up: what asks for the commit is dropped wherever it waits.
async fn a_commit_that_nobody_waits_for_still_happens_and_is_told(database: Database) {
    let ear = Arc::new(Ear::default());
    let store = rooms(&database).await.recording(ear.clone());
    let mut wanted = Vec::new();
    for number in 100..140 {
        let id = number.to_string();
        let mut tx = store.begin_write().await.unwrap();
        let insert = query("INSERT INTO rooms (id, name, seats, weight) VALUES ($1, $1, 0, 0)");
        insert.bind(&id).execute(&mut tx).await.unwrap();
        tx.record(&Added(id.clone())).unwrap();
        {
            let mut commit = pin!(tx.commit());
            let mut patience = number - 99;
            while patience > 0 && poll!(&mut commit).is_pending() {
                tokio::task::yield_now().await;
                patience -= 1;
            }
        }
        wanted.push(id);
    }
    eventually("every room is there, and told", async || {
        let mut told = ear.0.lock().unwrap().clone();
        told.sort();
        (told == wanted && names(&store).await == wanted).then_some(())
    })
    .await;
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

/// As when the clock is set by so much: every time that is stored is as much further off.
async fn clock_is_set(store: &Store, forward: Duration, back: Duration) {
    let milliseconds = |duration: Duration| i64::try_from(duration.as_millis()).unwrap();
    let shift = query("UPDATE rooms SET lease_until = lease_until + $1");
    shift.bind(milliseconds(back) - milliseconds(forward)).execute(store).await.unwrap();
}

const HOUR: Duration = Duration::from_secs(3_600);

async fn a_clock_that_is_set_forward_hands_out_nothing_that_is_under_way(database: Database) {
    let store = rooms(&database).await;
    add(&store, "1", "a").await.unwrap();
    let queue = Queue::new(store.clone(), "rooms", "seats = 0", Duration::from_secs(60), 2);
    let (begun, mut rows) = mpsc::unbounded_channel();
    let (ends, stop) = (Arc::new(Notify::new()), Stop::manual());
    let worker = {
        let (queue, store, ends, stop) = (queue.clone(), store.clone(), ends.clone(), stop.clone());
        let work = move |lease: Lease| {
            let (store, begun, ends) = (store.clone(), begun.clone(), ends.clone());
            async move {
                begun.send(lease.id().to_owned()).unwrap();
                if lease.id() == "1" {
                    ends.notified().await;
                }
                let done = query("UPDATE rooms SET seats = 1 WHERE id = $1").bind(lease.id());
                done.execute(&store).await.unwrap();
                Duration::ZERO
            }
        };
        tokio::spawn(async move { queue.run(stop, work).await })
    };
    assert_eq!(rows.recv().await.unwrap(), "1");
    clock_is_set(&store, HOUR, Duration::ZERO).await;
    // Younger: whoever gets it was offered the first one before.
    add(&store, "2", "b").await.unwrap();
    queue.wake();
    assert_eq!(rows.recv().await.unwrap(), "2", "what is under way was begun again");
    ends.notify_one();
    stop.stop();
    worker.await.unwrap();
    assert!(rows.recv().await.is_none(), "nothing else was begun");
}

async fn a_clock_that_is_set_back_keeps_no_row_of_somebody_dead(database: Database) {
    let store = rooms(&database).await;
    add(&store, "1", "a").await.unwrap();
    let claim = async |owner: &str| {
        let minute = Duration::from_secs(60);
        Lease::claim(&store, "rooms", "seats = 0", owner, minute).await.unwrap()
    };
    let _dead = claim("dead").await.unwrap();
    assert!(claim("another").await.is_none());
    clock_is_set(&store, Duration::ZERO, HOUR).await;
    let another = claim("another").await.expect("whoever was killed still keeps the row");
    // What was put off waits for its time, and however much the clock was set back, no longer than anything is put off.
    let mut tx = store.begin_write().await.unwrap();
    assert!(another.end(&mut tx, HOUR).await.unwrap());
    tx.commit().await.unwrap();
    assert!(claim("early").await.is_none());
    clock_is_set(&store, Duration::ZERO, HOUR).await;
    assert!(claim("late").await.is_some());
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
    assert!(store.is_there().await, "it takes writes again, and gets no traffic");
    for number in 0..20 {
        add(&store, &number.to_string(), &number.to_string()).await.unwrap();
    }
}

async fn a_database_that_may_only_be_read_is_not_ready(database: Database) {
    let writer = rooms(&database).await;
    add(&writer, "1", "a").await.unwrap();
    let url = match database.engine() {
        Engine::Sqlite => database.url().replace("mode=rwc", "mode=ro"),
        Engine::Postgres => format!("{}&options[default_transaction_read_only]=on", database.url()),
    };
    let store = Store::connect(&url.parse().unwrap()).await.unwrap();
    let fault = add(&store, "2", "b").await.unwrap_err();
    assert!(matches!(fault, Fault::Unavailable(_)), "{fault}");
    for _ in 0..3 {
        assert!(!store.is_there().await, "it cannot be written, and gets traffic");
    }
    assert_eq!(names(&store).await, ["a"], "it can be read");
    assert!(writer.is_there().await);
}

async fn a_file_that_is_deleted_or_replaced_takes_no_write(database: Database) {
    if database.engine() == Engine::Postgres || cfg!(not(unix)) {
        // No file of ours; or one that nobody can delete while it is open.
        return;
    }
    let store = rooms(&database).await;
    let path = database.url().trim_start_matches("sqlite://").split('?').next().unwrap().to_owned();
    let aside = format!("{path}.aside");
    let refuses = async |id: &str, what: &str| {
        let fault = add(&store, id, id).await.unwrap_err();
        assert!(matches!(fault, Fault::Unavailable(_)), "{what}: {fault}");
        let fault = Fault::from(query("UPDATE rooms SET seats = 1").execute(&store).await.unwrap_err());
        assert!(matches!(fault, Fault::Unavailable(_)), "{what}: {fault}");
        let claim = Lease::claim(&store, "rooms", "1 = 1", "x", Duration::from_secs(1)).await;
        assert!(claim.is_err(), "{what}: a worker goes on");
        assert!(!store.is_there().await, "{what}");
    };
    let under_way = store.begin_write().await.unwrap();
    std::fs::rename(&path, &aside).unwrap();
    assert!(under_way.commit().await.is_err(), "a commit to a file that is gone");
    refuses("1", "deleted").await;
    std::fs::write(&path, "").unwrap();
    refuses("2", "replaced").await;
    std::fs::rename(&aside, &path).unwrap();
    assert!(store.is_there().await, "it is back");
    add(&store, "3", "c").await.unwrap();
    assert_eq!(names(&store).await, ["c"]);
}

/// Hands connections on to a server; whoever drops it cuts them, and refuses further ones.
struct Relay(JoinSet<()>);

impl Relay {
    async fn start(port: u16, server: &str) -> (Self, u16) {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (mut relay, server) = (JoinSet::new(), server.to_owned());
        relay.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let server = server.clone();
                connections.spawn(async move {
                    let mut there = TcpStream::connect(server).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut there).await;
                });
            }
        });
        (Self(relay), port)
    }

    async fn stop(mut self) {
        self.0.shutdown().await;
    }
}

async fn a_server_that_refuses_is_told_as_such_and_found_again(database: Database) {
    if database.engine() == Engine::Sqlite {
        return;
    }
    drop(rooms(&database).await);
    let server = database.url().split(['@', '/']).nth(3).unwrap();
    let (relay, port) = Relay::start(0, server).await;
    let url: DatabaseUrl = database.url().replace(server, &format!("127.0.0.1:{port}")).parse().unwrap();
    let store = Store::connect(&url).await.unwrap();
    relay.stop().await;
    let is_told = |error: &dyn std::error::Error| {
        let text = chassis::http::chain(error);
        assert!(text.to_lowercase().contains("refused"), "{text}");
    };
    is_told(&Store::connect(&url).await.unwrap_err());
    // The connection that it has is cut, which is told as what it is.
    let _ = store.begin_write().await;
    let error = store.begin_write().await.unwrap_err();
    is_told(&error);
    assert!(matches!(Fault::from(error), Fault::Unavailable(_)));
    assert!(!store.is_there().await);
    let (_relay, _) = Relay::start(port, server).await;
    assert!(store.is_there().await, "found again");
    add(&store, "1", "a").await.unwrap();
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
