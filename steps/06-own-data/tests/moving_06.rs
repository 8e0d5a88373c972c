//! The move over two real databases, with real processes and people who work meanwhile.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

#[path = "support/moving.rs"]
mod moving;

use std::{cell::RefCell, sync::Arc, time::Duration};

use acceptance::{Database, Engine, eventually, tokio::time::sleep};
use kit_06_own_data::cut_over::Operations;
use step_06_moving::{
    Move, Plan, Table,
    moving::{Settings, TooLong},
    operations::Cutting,
    points::Points,
};
use step_06_own_data::pieces;
use store::query;

use self::moving::{Movers, PLANS, People, finished, open, shared, sides_are_alike, started};

acceptance::on_both_databases!(
    people_notice_nothing_while_their_rows_move_there_and_back_and_there_again,
    a_planted_difference_stops_before_reads_move,
    a_straggler_that_knows_nothing_of_the_move_is_refused,
    a_second_mover_takes_the_work_from_the_first,
    what_cannot_be_is_refused_in_one_line,
    a_count_that_would_stop_writers_for_too_long_is_refused_and_nothing_is_closed,
    a_count_may_take_longer_than_other_statements,
    a_mover_that_is_stopped_behind_the_fence_opens_it,
    a_mover_opens_what_it_has_closed_when_the_other_database_is_away,
    a_status_that_cannot_be_read_is_not_that_nothing_has_begun,
);

async fn people_notice_nothing_while_their_rows_move_there_and_back_and_there_again(database: Database) {
    shared(&database).await;
    let app = started(&database).await;
    let movers = Movers::on(&database);
    let people = People::of(&app);
    let pauses = RefCell::new(Vec::new());
    let pause = async || {
        for module in movers.status().await {
            pauses.borrow_mut().push(module["pause_ms"].as_i64().unwrap());
        }
    };
    people
        .work(async {
            sleep(Duration::from_millis(300)).await;
            let mut mover = movers.start(&[], None);
            movers.are("ready", &mut mover).await;
            movers.run(&["approve"]).await;
            movers.are("moved", &mut mover).await;
            pause().await;
            sleep(Duration::from_millis(300)).await;
            movers.run(&["back"]).await;
            mover.succeeds().await;
            pause().await;
            sleep(Duration::from_millis(300)).await;
            // What was said of the first move does not count for the second.
            let mut mover = movers.start(&[], None);
            movers.are("ready", &mut mover).await;
            mover.kill();
            let mut mover = movers.start(&["--at-once"], None);
            movers.are("moved", &mut mover).await;
            pause().await;
            sleep(Duration::from_millis(300)).await;
        })
        .await;
    // On the new side now, with people gone and the mover killed: one that follows up and stays.
    let mut mover = movers.start(&[], None);
    movers.are("moved", &mut mover).await;
    sides_are_alike(&database, &movers).await;
    movers.run(&["keep"]).await;
    mover.succeeds().await;
    assert!(movers.status().await.iter().all(|module| module["stage"] == "kept"));
    let old = open(database.url()).await;
    for table in ["backlog_tasks", "backlog_day", "rules", "messages", "notify_keys", "backlog_moved_rows"] {
        let sql = format!("SELECT count(*) FROM {table}");
        assert!(
            store::Query::assembled(sql).fetch_one::<(i64,)>(&old).await.is_err(),
            "{table} is there still"
        );
    }
    let people_after = People::of(&app);
    people_after.work(sleep(Duration::from_millis(300))).await;
    let (longest, p99) = people.longest_and_p99();
    println!(
        "writes {}, failed {}, longest {longest:?}, p99 {p99:?}; pauses {:?} ms",
        people.took.borrow().len(),
        people.failed.borrow(),
        pauses.borrow(),
    );
    assert_eq!(*people.failed.borrow(), 0, "requests failed: {}", people.last.borrow());
    assert!(pauses.borrow().iter().all(|pause| *pause < 5_000), "{pauses:?}");
    drop(app);
    // And without the way there.
    let app = finished(&database).await;
    People::of(&app).work(sleep(Duration::from_millis(300))).await;
}

async fn a_planted_difference_stops_before_reads_move(database: Database) {
    shared(&database).await;
    let app = started(&database).await;
    let movers = Movers::of_backlog(&database);
    let people = People::of(&app);
    people
        .work(async {
            let mut mover = movers.start(&[], None);
            movers.are("ready", &mut mover).await;
            mover.kill();
            // Somebody takes away a row that nobody works on, and the fence does not keep them from it.
            let new = open(&database.named("backlog").unwrap()).await;
            let mut tx = new.begin_write().await.unwrap();
            query("UPDATE move_fence SET mover = 1").execute(&mut tx).await.unwrap();
            let take = query("DELETE FROM rules WHERE id = (SELECT min(id) FROM rules)");
            assert_eq!(take.execute(&mut tx).await.unwrap(), 1);
            // And another one was there before the mirror, and is not on the old side.
            let add = query("UPDATE rules SET id = 'there-before' WHERE id = (SELECT max(id) FROM rules)");
            assert_eq!(add.execute(&mut tx).await.unwrap(), 1);
            query("UPDATE move_fence SET mover = 0").execute(&mut tx).await.unwrap();
            tx.commit().await.unwrap();
            let mut mover = movers.start(&["--at-once"], None);
            let status = mover.ended(|_| false).await.unwrap();
            assert!(!status.success(), "{}", mover.log());
            assert!(mover.log().contains("rows of backlog differ"), "{}", mover.log());
            assert!(mover.log().contains("there-before"), "{}", mover.log());
            let state = movers.status().await[0].clone();
            // The row that was given another id may be back under its own by now.
            let differing = state["differing"].as_i64().unwrap();
            assert!(state["stage"] == "differs" && (2..=3).contains(&differing), "{state}");
            let fence = query("SELECT writes, reads FROM move_fence WHERE module = 'backlog'");
            let fence: (i64, i64) = fence.fetch_one(&open(database.url()).await).await.unwrap();
            assert_eq!(fence, (1, 1), "people work on the old side");
            // The next one copies again.
            let mut mover = movers.start(&["--at-once"], None);
            movers.are("moved", &mut mover).await;
            mover.kill();
        })
        .await;
}

async fn a_straggler_that_knows_nothing_of_the_move_is_refused(database: Database) {
    shared(&database).await;
    let app = started(&database).await;
    let movers = Movers::on(&database);
    let mut mover = movers.start(&["--at-once"], None);
    movers.are("moved", &mut mover).await;
    let (old, new) = (open(database.url()).await, open(&database.named("backlog").unwrap()).await);
    for write in [
        "UPDATE backlog_tasks SET version = version + 1",
        "DELETE FROM rules",
        "INSERT INTO backlog_runs VALUES ('x', 'x', 'x', 'x', 'x', 'x', 1, 1)",
    ] {
        let refused = query(write).execute(&old).await.expect_err("it was taken behind the fence");
        assert!(refused.to_string().contains("move or have moved"), "{write}: {refused}");
    }
    // On the side that takes writes it is noted, and comes over.
    query("UPDATE rules SET version = version + 1").execute(&new).await.unwrap();
    sides_are_alike(&database, &movers).await;
    drop(app);
}

async fn a_second_mover_takes_the_work_from_the_first(database: Database) {
    shared(&database).await;
    let app = started(&database).await;
    let movers = Movers::on(&database);
    let mut first = movers.start(&[], None);
    movers.are("ready", &mut first).await;
    let mut second = movers.start(&["--at-once"], None);
    let status = first.ended(|_| false).await.unwrap();
    assert_eq!(status.code(), Some(75), "{}", first.log());
    assert!(first.log().contains("another mover has taken over"), "{}", first.log());
    movers.are("moved", &mut second).await;
    sides_are_alike(&database, &movers).await;
    drop(app);
}

async fn what_cannot_be_is_refused_in_one_line(database: Database) {
    let movers = Movers::on(&database);
    let refused = async |key: &'static str, value: String, arguments: &[&str], says: &str| {
        let mut command = movers.command(arguments);
        command.env(key, value);
        let done = command.output().unwrap();
        let errors = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(64), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
        assert!(errors.contains(says), "{errors}");
    };
    refused("BACKLOG_DATABASE_URL", database.url().to_owned(), &["move"], "are the same database").await;
    let other = if database.url().starts_with("sqlite") { "postgres://127.0.0.1/x" } else { "sqlite://x.db" };
    refused("NOTIFY_DATABASE_URL", other.to_owned(), &["move"], "must be the same kind of database").await;
    refused("DATABASE_URL", "mysql://x".to_owned(), &["status"], "must begin with sqlite: or postgres:")
        .await;
    refused("DATABASE_URL", database.url().to_owned(), &["move", "--module", "x"], "--module").await;
    // Nothing has begun: that can be said, and nothing can be approved.
    assert!(movers.status().await.iter().all(|module| module["stage"] == "waiting"));
    let mut approve = movers.command(&["approve"]);
    assert_eq!(approve.output().unwrap().status.code(), Some(1));
}

async fn a_count_that_would_stop_writers_for_too_long_is_refused_and_nothing_is_closed(database: Database) {
    shared(&database).await;
    let app = started(&database).await;
    let movers = Movers::of_backlog(&database);
    let mut mover = movers.start(&["--at-once", "--longest-count-ms", "0"], None);
    let status = mover.ended(|_| false).await.unwrap();
    let log = mover.log();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("to count the rows of backlog would stop writers for"), "{log}");
    assert!(log.contains("and 0 are accepted"), "{log}");
    assert!(!log.contains("the move begins again"), "trying again changes nothing: {log}");
    let (fence, closed_at) = fence(&database).await;
    assert_eq!((fence, closed_at), ((1, 1), 0), "it was closed");
    // Whoever accepts more goes on from there.
    let mut mover = movers.start(&["--at-once"], None);
    movers.are("moved", &mut mover).await;
    drop(app);
}

const SLOW: Plan = Plan { module: "slow", tables: &[Table::alone("slow")], derive: None, dropped_too: &[] };

/// A table whose count takes ten seconds; on PostgreSQL every other statement may take nine.
async fn a_count_may_take_longer_than_other_statements(database: Database) {
    if database.engine() != Engine::Postgres {
        return;
    }
    let (old, new) = (open(database.url()).await, open(&database.named("backlog").unwrap()).await);
    for store in [&old, &new] {
        let slow =
            "CREATE VIEW slow AS SELECT 'a' AS id, CAST(1 AS BIGINT) AS version, 0 AS x FROM pg_sleep(10)";
        query(slow).execute(store).await.unwrap();
    }
    let take = async |longest_count| {
        let taken = Move::take(SLOW, old.clone(), new.clone(), settings(longest_count)).await.unwrap();
        Cutting(Arc::new(taken))
    };
    let refused = take(Duration::from_millis(300)).await.fence().await.unwrap_err();
    assert!(TooLong::is(&refused), "{refused:?}");
    let cutting = take(Duration::from_secs(20)).await;
    query("UPDATE move_fence SET writes = 0").execute(&old).await.unwrap();
    assert_eq!(cutting.compare().await.unwrap(), 0);
}

async fn a_mover_that_is_stopped_behind_the_fence_opens_it(database: Database) {
    shared(&database).await;
    let app = started(&database).await;
    let movers = Movers::of_backlog(&database);
    let mut mover = movers.start(&["--at-once"], Some("the side is closed#1"));
    eventually("it has closed the old side", async || (fence(&database).await.0.0 == 0).then_some(())).await;
    mover.stop();
    mover.succeeds().await;
    assert_eq!(fence(&database).await.0, (1, 1), "{}", mover.log());
    drop(app);
}

async fn a_mover_opens_what_it_has_closed_when_the_other_database_is_away(database: Database) {
    shared(&database).await;
    let app = started(&database).await;
    let (old, new) = (open(database.url()).await, open(&database.named("backlog").unwrap()).await);
    let taken = Move::take(PLANS[0], old, new.clone(), settings(Duration::from_secs(4))).await.unwrap();
    let cutting = Cutting(Arc::new(taken));
    cutting.mirror().await.unwrap();
    cutting.backfill().await.unwrap();
    cutting.fence().await.unwrap();
    assert_eq!(fence(&database).await.0.0, 0, "it is closed");
    new.close().await;
    cutting.open_again().await.unwrap();
    assert_eq!(fence(&database).await.0, (1, 1));
    drop(app);
}

async fn a_status_that_cannot_be_read_is_not_that_nothing_has_begun(database: Database) {
    shared(&database).await;
    let app = started(&database).await;
    let movers = Movers::of_backlog(&database);
    let mut mover = movers.start(&[], None);
    movers.are("ready", &mut mover).await;
    mover.kill();
    let new = open(&database.named("backlog").unwrap()).await;
    query("ALTER TABLE moves RENAME COLUMN stage TO station").execute(&new).await.unwrap();
    let status = movers.command(&["status"]).output().unwrap();
    assert_eq!(status.status.code(), Some(1), "{}", String::from_utf8_lossy(&status.stdout));
    assert!(String::from_utf8_lossy(&status.stderr).contains("stage"));
    drop(app);
}

/// Whether the old side of backlog takes writes and is read, and when it was closed.
async fn fence(database: &Database) -> ((i64, i64), i64) {
    let fence = query("SELECT writes, reads, closed_at FROM move_fence WHERE module = 'backlog'");
    let (writes, reads, closed_at) = fence.fetch_one(&open(database.url()).await).await.unwrap();
    ((writes, reads), closed_at)
}

fn settings(longest_count: Duration) -> Settings {
    Settings {
        at_once: true,
        longest_count,
        backfill: |source, target| Box::pin(pieces::backfill::backfill(source, target)),
        points: Arc::new(Points::new(None)),
    }
}
