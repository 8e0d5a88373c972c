//! The inbox: each message takes effect once.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use acceptance::{
    Database,
    futures::poll,
    tokio::{
        self,
        time::{Duration, sleep},
    },
};
use async_trait::async_trait;
use chassis::{Ctx, Fault, event::Recorded, serve::Stop};
use step_07_messaging::{Consumer, Subscription};
use store::{Tx, query};

use crate::world::{Between, Diary, World, all, numbers, recorded, said, text};

/// The texts of what a consumer did about `subject`.
fn about(effects: &[(String, String)], subject: &str) -> Vec<String> {
    effects.iter().filter(|(of, _)| of == subject).map(|(_, text)| text.clone()).collect()
}

pub(crate) async fn killed_at_any_point_each_message_takes_effect_once(database: Database) {
    let world = World::new(&database).await;
    let mut said = 0;
    let mut survived = 0;
    for patience in 1.. {
        let messages: Vec<_> = ["a", "b"].map(|subject| recorded(subject, said)).into();
        world.feed.publish(&Ctx::background(Duration::from_secs(5)), &messages).await.unwrap();
        said += 1;
        let subscription = world.subscription(Arc::new(Diary::new("diary")));
        let mut run = pin!(subscription.run_once());
        let mut polls = 0;
        while polls < patience && poll!(&mut run).is_pending() {
            polls += 1;
            sleep(Duration::from_micros(200)).await;
        }
        survived += usize::from(polls < patience);
        if survived == 3 {
            break;
        }
        assert!(patience < 10_000, "it never ends by itself");
    }
    let subscription = world.subscription(Arc::new(Diary::new("diary")));
    while subscription.run_once().await.unwrap() > 0 {}
    let effects = world.effects("diary").await;
    for subject in ["a", "b"] {
        assert_eq!(about(&effects, subject), numbers(said), "about {subject}");
    }
    assert!(said > 5, "it was killed {said} times");
}

pub(crate) async fn a_thousand_duplicates_have_no_effect(database: Database) {
    let world = World::new(&database).await;
    for number in 0..100 {
        world.say("a", number).await;
    }
    world.publish().await;
    let mut feed = Between::new(world.feed.clone());
    feed.times = 11;
    let diary = Arc::new(Diary::new("diary"));
    let subscription = Subscription::new(world.store.clone(), Arc::new(feed), diary.clone());
    let mut handed_over = 0;
    loop {
        let count = subscription.run_once().await.unwrap();
        handed_over += count;
        if count == 0 {
            break;
        }
    }
    assert_eq!(handed_over, 1_100);
    assert_eq!(about(&world.effects("diary").await, "a"), numbers(100));
    assert_eq!(diary.tried(), 100);
}

pub(crate) async fn at_two_instances_each_message_takes_effect_once_and_in_order(database: Database) {
    let world = World::new(&database).await;
    for number in 0..60 {
        world.say("a", number).await;
    }
    world.publish().await;
    let instances: Vec<_> = (0..2).map(|_| world.subscription(Arc::new(Diary::new("diary")))).collect();
    let runs = instances.iter().map(|instance| async { while instance.run_once().await.unwrap() > 0 {} });
    acceptance::futures::future::join_all(runs).await;
    assert_eq!(about(&world.effects("diary").await, "a"), numbers(60));
}

pub(crate) async fn two_consumers_each_get_everything(database: Database) {
    let world = World::new(&database).await;
    for number in 0..10 {
        world.say("a", number).await;
    }
    world.publish().await;
    for name in ["diary", "chronicle"] {
        let subscription = world.subscription(Arc::new(Diary::new(name)));
        assert_eq!(subscription.behind().await.unwrap(), 10);
        while subscription.run_once().await.unwrap() > 0 {}
        assert_eq!(about(&world.effects(name).await, "a"), numbers(10), "{name}");
        assert_eq!(subscription.behind().await.unwrap(), 0);
    }
}

pub(crate) async fn a_consumer_that_was_away_for_ten_thousand_messages_catches_up_in_small_parts(
    database: Database,
) {
    const MESSAGES: usize = 10_000;
    let world = World::new(&database).await;
    let messages: Vec<_> = (0..MESSAGES).map(|number| recorded("a", number)).collect();
    for chunk in messages.chunks(500) {
        world.feed.publish(&Ctx::background(Duration::from_secs(5)), chunk).await.unwrap();
    }
    let feed = Arc::new(Between::new(world.feed.clone()));
    let subscription = Subscription::new(world.store.clone(), feed.clone(), Arc::new(Diary::new("diary")));
    while subscription.run_once().await.unwrap() > 0 {}
    assert_eq!(about(&world.effects("diary").await, "a"), numbers(MESSAGES));
    let most = feed.read.lock().unwrap().iter().copied().max();
    assert!(most <= Some(100), "{most:?} messages at once");
}

/// Passes on what it is told.
struct Echo;

#[async_trait]
impl Consumer for Echo {
    fn name(&self) -> &'static str {
        "echo"
    }

    fn wants(&self) -> &'static [&'static str] {
        &["test"]
    }

    async fn apply(&self, tx: &mut Tx, message: &Recorded) -> Result<(), Fault> {
        match message.subject.as_str() {
            "echo" => Ok(()),
            _ if text(message) == "fail" => {
                tx.record(&said("echo", &"of what failed"))?;
                Err(Fault::internal("no"))
            }
            _ => tx.record(&said("echo", &text(message))),
        }
    }
}

pub(crate) async fn a_message_of_a_consumer_commits_with_its_effect(database: Database) {
    let world = World::new(&database).await;
    world.say("a", "hello").await;
    world.say("b", "fail").await;
    world.publish().await;
    let subscription = world.subscription(Arc::new(Echo));
    while subscription.run_once().await.unwrap() > 0 {}
    world.publish().await;
    let found = all(&*world.feed).await;
    let echoes: Vec<_> = found.iter().filter(|found| found.message.subject == "echo").collect();
    assert_eq!(echoes.iter().map(|found| text(&found.message)).collect::<Vec<_>>(), ["hello"]);
}

pub(crate) async fn old_rows_of_the_inbox_are_forgotten(database: Database) {
    let world = World::new(&database).await;
    world.say("a", 0).await;
    world.publish().await;
    let old = query(
        "INSERT INTO inbox (consumer, message_id, taken_at) VALUES ('diary', $1, $2), ('other', $1, $2)",
    );
    old.bind("old").bind(store::now() - 31 * 86_400_000).execute(&world.store).await.unwrap();
    let stop = Stop::manual();
    let running = tokio::spawn(world.subscription(Arc::new(Diary::new("diary"))).run(stop.clone()));
    acceptance::eventually("the old row is gone, and the new one is there", async || {
        let rows: Vec<(String,)> = query("SELECT message_id FROM inbox WHERE consumer = 'diary'")
            .fetch_all(&world.store)
            .await
            .unwrap();
        (rows.len() == 1 && rows[0].0 != "old").then_some(())
    })
    .await;
    assert_eq!(world.store.count("SELECT count(*) FROM inbox WHERE consumer = 'other'").await.unwrap(), 1);
    stop.stop();
    running.await.unwrap();
}

pub(crate) async fn a_consumer_that_begins_again_gets_everything_from_the_beginning(database: Database) {
    let world = Arc::new(World::new(&database).await);
    for number in 0..30 {
        world.say("a", number).await;
    }
    world.publish().await;
    let begun_again = Arc::new(AtomicBool::new(false));
    let asked = begun_again.clone();
    // Away in the middle of what it has read: time for somebody to throw everything away.
    let diary = Diary::new("diary").answering(move |message: &Recorded| {
        let waits = text(message) == "20" && !asked.load(Ordering::SeqCst);
        if waits { Err(Fault::Unavailable("the database".to_owned())) } else { Ok(()) }
    });
    let subscription = world.subscription(Arc::new(diary));
    let takes = async { while subscription.run_once().await.unwrap() > 0 {} };
    let throws_away = async {
        sleep(Duration::from_millis(300)).await;
        let mut tx = world.store.begin_write().await.unwrap();
        step_07_messaging::begin_again(&mut tx, "diary").await.unwrap();
        query("DELETE FROM effects").execute(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        begun_again.store(true, Ordering::SeqCst);
    };
    tokio::join!(takes, throws_away);
    assert_eq!(about(&world.effects("diary").await, "a"), numbers(30));
}
