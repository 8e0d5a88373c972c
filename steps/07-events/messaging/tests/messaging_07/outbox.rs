//! Messages commit with the change that they tell of, in an order that holds.

use std::time::Duration;

use acceptance::{
    Database, Engine,
    tokio::{self, time::timeout},
};
use store::{Recorder, query};

use crate::world::{World, all, by_subject, number, record, recorded, said, text};

pub(crate) async fn a_change_that_is_rolled_back_tells_nobody(database: Database) {
    let world = World::new(&database).await;
    let mut tx = world.store.begin_write().await.unwrap();
    tx.record(&said("task 7", &"is Mona's")).unwrap();
    drop(tx);
    world.publish().await;
    assert_eq!((all(&*world.feed).await.len(), world.waiting().await), (0, 0));
}

pub(crate) async fn a_change_and_its_messages_commit_together_or_not_at_all(database: Database) {
    let world = World::new(&database).await;
    let mut tx = world.store.begin_write().await.unwrap();
    query("INSERT INTO effects (text) VALUES ('the change')").execute(&mut tx).await.unwrap();
    tx.record(&said("task 7", &"x".repeat(2 << 20))).unwrap();
    assert!(tx.commit().await.is_err(), "a message that nobody can carry");
    assert_eq!(world.store.count("SELECT count(*) FROM effects").await.unwrap(), 0, "the change is undone");
    world.say("task 7", "is Mona's").await;
    assert_eq!(world.waiting().await, 1);
    world.publish().await;
    let found = all(&*world.feed).await;
    assert_eq!(found.iter().map(|found| text(&found.message)).collect::<Vec<_>>(), ["is Mona's"]);
    assert_eq!(world.waiting().await, 0);
    assert_eq!(
        number(&world.store, "SELECT count(*) FROM outbox_subjects").await,
        0,
        "nothing is left behind"
    );
}

pub(crate) async fn an_older_transaction_that_commits_second_is_not_skipped(database: Database) {
    let world = World::new(&database).await;
    let (older, newer) = (recorded("task 7", "older"), recorded("task 8", "newer"));
    assert!(older.id < newer.id);
    if database.engine() == Engine::Postgres {
        let mut first = world.store.begin_write().await.unwrap();
        world.outbox.before_commit(&mut first, &[older]).await.unwrap();
        record(&world, &[newer]).await;
        world.publish().await;
        first.commit().await.unwrap();
    } else {
        // There is one writer at a time; but an id is made before its transaction has the lock.
        record(&world, &[newer]).await;
        world.publish().await;
        record(&world, &[older]).await;
    }
    world.publish().await;
    let found = all(&*world.feed).await;
    assert_eq!(found.iter().map(|found| text(&found.message)).collect::<Vec<_>>(), ["newer", "older"]);
}

pub(crate) async fn messages_about_one_subject_come_in_the_order_of_their_commits(database: Database) {
    let world = World::new(&database).await;
    // Two machines, of which the second one's clock is behind: its ids are lower.
    let (second, first) = (recorded("task 7", "second"), recorded("task 7", "first"));
    let batch = [recorded("task 7", "third"), recorded("task 8", "first"), recorded("task 7", "fourth")];
    record(&world, &[first]).await;
    record(&world, &[second]).await;
    record(&world, &batch).await;
    world.publish().await;
    let found = all(&*world.feed).await;
    let by_subject = by_subject(found.iter().map(|found| &*found.message));
    assert_eq!(by_subject["task 7"], ["first", "second", "third", "fourth"]);
    assert_eq!(by_subject["task 8"], ["first"]);
}

/// Whoever writes about a subject holds its row until the commit; taken in any order, two would wait for each other for ever.
pub(crate) async fn two_changes_of_the_same_two_subjects_do_not_wait_for_each_other(database: Database) {
    let world = World::new(&database).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..4 {
        let (store, outbox) = (world.store.clone(), world.outbox.clone());
        let subjects = if number % 2 == 0 { ["a", "b"] } else { ["b", "a"] };
        tasks.spawn(async move {
            for _ in 0..20 {
                let messages = subjects.map(|subject| recorded(subject, "x"));
                let mut tx = store.begin_write().await?;
                outbox.before_commit(&mut tx, &messages).await?;
                tx.commit().await?;
            }
            Ok::<_, store::Error>(())
        });
    }
    let ended = timeout(Duration::from_secs(20), tasks.join_all()).await.unwrap();
    assert!(ended.iter().all(Result::is_ok), "{ended:?}");
    assert_eq!(world.waiting().await, 160);
}
