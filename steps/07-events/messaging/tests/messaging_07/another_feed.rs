//! A feed that has lost its database numbers from 1 again. That it is another one stands in its id.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use acceptance::{Database, tokio};
use chassis::{Ctx, Fault, event::Recorded};
use step_07_messaging::{Delivered, Subscription};
use store::{Store, query};

use crate::world::{self, Between, Diary, World, all, numbers, serve_feed};

/// Has the world a feed with nothing in it, which no reader has asked yet.
async fn lose_the_feed(world: &mut World, database: &Database) {
    let url = serve_feed(&database.another().unwrap()).await;
    world.feed = Arc::new(world::embedded(&url));
}

async fn say(world: &World, numbers: std::ops::Range<usize>) {
    for number in numbers {
        world.say("a", number).await;
    }
    world.publish().await;
}

async fn done(world: &World, consumer: &str) -> Vec<String> {
    world.effects(consumer).await.into_iter().map(|(_, text)| text).collect()
}

/// All that is there for a consumer; how many messages it was handed.
async fn work_off(world: &World, name: &'static str) -> usize {
    let feed = Arc::new(Between::new(world.feed.clone()));
    let subscription = Subscription::new(world.store.clone(), feed.clone(), Arc::new(Diary::new(name)));
    while subscription.run_once().await.unwrap() > 0 {}
    feed.read.lock().unwrap().iter().sum()
}

async fn behind(world: &World, name: &'static str) -> i64 {
    world.subscription(Arc::new(Diary::new(name))).behind().await.unwrap()
}

pub(crate) async fn made_anew_it_is_read_from_its_beginning_and_nothing_is_skipped_or_done_twice(
    database: Database,
) {
    let mut world = World::new(&database).await;
    say(&world, 0..5).await;
    let told: Vec<Delivered> = all(&*world.feed).await;
    for name in ["diary", "chronicle"] {
        assert_eq!(work_off(&world, name).await, 5);
    }
    // Not so far as the one before it, as far, and further; the last one by more than what commits together.
    for (said, more) in [(5, 3), (8, 3), (11, 40)] {
        lose_the_feed(&mut world, &database).await;
        assert_eq!(behind(&world, "diary").await, 0, "nothing is in it");
        say(&world, said..said + more).await;
        for name in ["diary", "chronicle"] {
            assert_eq!(
                behind(&world, name).await,
                i64::try_from(more).unwrap(),
                "{name} is before all of them"
            );
            assert_eq!(work_off(&world, name).await, more, "{name}");
            assert_eq!(done(&world, name).await, numbers(said + more), "{name}");
            assert_eq!(work_off(&world, name).await, 0, "{name} reads it once");
        }
    }
    // Somebody publishes again what everybody has taken of another feed.
    let again: Vec<Recorded> = told.iter().map(|told| (*told.message).clone()).collect();
    world.feed.publish(&Ctx::background(std::time::Duration::from_secs(5)), &again).await.unwrap();
    assert_eq!(work_off(&world, "diary").await, 5);
    assert_eq!(done(&world, "diary").await, numbers(51));
}

pub(crate) async fn an_instance_that_still_has_messages_of_the_last_one_does_not_go_back_to_it(
    database: Database,
) {
    let mut world = World::new(&database).await;
    say(&world, 0..10).await;
    let goes_on = Arc::new(AtomicBool::new(false));
    let asked = goes_on.clone();
    let slow = Diary::new("diary").answering(move |message: &Recorded| {
        let waits = world::text(message) == "7" && !asked.load(Ordering::SeqCst);
        if waits { Err(Fault::Unavailable("the database".to_owned())) } else { Ok(()) }
    });
    let slow = Arc::new(slow);
    let subscription = world.subscription(slow.clone());
    let takes = tokio::spawn(async move { subscription.run_once().await });
    acceptance::eventually("it has come to 7", async || (slow.tried() > 20).then_some(())).await;
    lose_the_feed(&mut world, &database).await;
    // Further than the slow one is in the last one.
    say(&world, 10..25).await;
    assert_eq!(work_off(&world, "diary").await, 15);
    goes_on.store(true, Ordering::SeqCst);
    let _ = takes.await.unwrap().unwrap();
    say(&world, 25..27).await;
    assert_eq!(work_off(&world, "diary").await, 2, "it is where the other instance was");
    let (lost, kept) = (["7", "8", "9"], numbers(27));
    let expected: Vec<_> = kept.into_iter().filter(|text| !lost.contains(&text.as_str())).collect();
    assert_eq!(done(&world, "diary").await, expected);
}

pub(crate) async fn an_older_copy_stands_still_until_it_is_another_feed(database: Database) {
    let mut world = World::new(&database).await;
    let url = database.another().unwrap();
    world.feed = Arc::new(world::embedded(&serve_feed(&url).await));
    say(&world, 0..5).await;
    assert_eq!(work_off(&world, "diary").await, 5);
    // The tables as they were after the third message.
    let feed = Store::connect(&url.parse().unwrap()).await.unwrap();
    for sql in ["DELETE FROM messages WHERE position > 3", "UPDATE head SET position = 3"] {
        query(sql).execute(&feed).await.unwrap();
    }
    let subscription = world.subscription(Arc::new(Diary::new("diary")));
    assert!(matches!(subscription.run_once().await, Err(Fault::Invalid(_))));
    assert!(matches!(subscription.behind().await, Err(Fault::Invalid(_))), "it would be a wrong number");
    query("UPDATE head SET feed = NULL").execute(&feed).await.unwrap();
    say(&world, 5..7).await;
    assert_eq!(work_off(&world, "diary").await, 5);
    assert_eq!(done(&world, "diary").await, numbers(7));
}
