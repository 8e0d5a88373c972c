//! The relay: whatever happens to it, everything arrives, in order for each subject.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
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
use chassis::Fault;

use crate::world::{Between, World, all, by_subject, numbers, record, recorded};

/// Killed means: what it waits for is dropped, wherever that is. What is under way at the database or the feed happens or does not.
pub(crate) async fn killed_at_any_point_everything_arrives_in_order(database: Database) {
    let world = World::new(&database).await;
    let mut said = 0;
    let mut survived = 0;
    // Until it survives several times: then each of its steps has been its last one.
    for patience in 1.. {
        for subject in ["a", "b"] {
            world.say(subject, said).await;
        }
        said += 1;
        {
            let relay = world.relay(world.feed.clone());
            let mut run = pin!(relay.run_once());
            let mut polls = 0;
            while polls < patience && poll!(&mut run).is_pending() {
                polls += 1;
                sleep(Duration::from_micros(200)).await;
            }
            survived += usize::from(polls < patience);
        }
        world.end_leases().await;
        if survived == 3 {
            break;
        }
        assert!(patience < 10_000, "it never ends by itself");
    }
    world.publish().await;
    let found = all(&*world.feed).await;
    assert_eq!(found.len(), 2 * said, "each once: the feed knows a message again");
    for (subject, texts) in by_subject(found.iter().map(|found| &*found.message)) {
        assert_eq!(texts, numbers(said), "about {subject}");
    }
    assert_eq!(world.waiting().await, 0);
    assert!(said > 5, "it was killed {said} times");
}

pub(crate) async fn two_relays_keep_the_order_and_publish_hardly_anything_twice(database: Database) {
    const SUBJECTS: usize = 40;
    const EACH: usize = 15;
    let world = Arc::new(World::new(&database).await);
    let calls = AtomicUsize::new(0);
    // Every third call fails, half of those after the feed has taken the messages: nobody knows.
    let feed = Arc::new(Between::new(world.feed.clone()).publishing(move |_| {
        match calls.fetch_add(1, Ordering::SeqCst) % 3 {
            0 => Err(Fault::Unavailable("the feed".to_owned())),
            _ => Ok(()),
        }
    }));
    let writes = async {
        for number in 0..EACH {
            let messages: Vec<_> =
                (0..SUBJECTS).map(|subject| recorded(&format!("task {subject}"), number)).collect();
            for chunk in messages.chunks(7) {
                record(&world, chunk).await;
            }
        }
    };
    let relays = (0..2).map(|_| {
        let (relay, world) = (world.relay(feed.clone()), world.clone());
        async move {
            let mut idle = 0;
            while idle < 20 {
                match relay.run_once().await {
                    Ok(0) | Err(_) => {
                        idle = if world.waiting().await == 0 { idle + 1 } else { 0 };
                        sleep(Duration::from_millis(20)).await;
                    }
                    Ok(_) => idle = 0,
                }
            }
        }
    });
    let relays = acceptance::futures::future::join_all(relays);
    tokio::join!(writes, relays);
    let published = feed.published.lock().unwrap().concat();
    for (subject, texts) in by_subject(&published) {
        assert_eq!(texts, numbers(EACH), "about {subject}");
    }
    let twice = published.len() - SUBJECTS * EACH;
    assert_eq!(twice, 0, "{twice} messages were published by both");
    assert_eq!(all(&*world.feed).await.len(), SUBJECTS * EACH);
}

pub(crate) async fn a_subject_that_is_refused_holds_up_nobody_else(database: Database) {
    let world = World::new(&database).await;
    for number in 0..3 {
        world.say("bad", number).await;
        world.say("good", number).await;
    }
    let refuses = |messages: &[chassis::event::Recorded]| {
        let is_bad = messages.iter().any(|message| message.subject == "bad");
        if is_bad { Err(Fault::invalid("messages[0]", "is refused")) } else { Ok(()) }
    };
    let relay = world.relay(Arc::new(Between::new(world.feed.clone()).publishing(refuses)));
    for _ in 0..8 {
        let _ = relay.run_once().await;
        sleep(Duration::from_millis(200)).await;
    }
    let found = all(&*world.feed).await;
    let by_subject = by_subject(found.iter().map(|found| &*found.message));
    assert_eq!(by_subject.get("good"), Some(&numbers(3)));
    assert_eq!((by_subject.get("bad"), world.waiting().await), (None, 3));
    // Nothing is lost: the feed is mended.
    world.end_leases().await;
    world.publish().await;
    assert_eq!(all(&*world.feed).await.len(), 6);
}

pub(crate) async fn a_subject_that_has_been_refused_for_long_holds_up_nobody_else(database: Database) {
    let world = World::new(&database).await;
    let refusals = Arc::new(AtomicUsize::new(0));
    let counted = refusals.clone();
    let feed = Arc::new(Between::new(world.feed.clone()).publishing(move |messages| {
        if messages.iter().any(|message| message.subject == "bad") {
            counted.fetch_add(1, Ordering::SeqCst);
            return Err(Fault::invalid("messages[0]", "is refused"));
        }
        Ok(())
    }));
    world.say("bad", 0).await;
    let stop = chassis::serve::Stop::manual();
    let running = tokio::spawn(world.relay(feed).run(stop.clone()));
    // Long enough for the pauses of a relay whose feed is away to grow beyond the half second for which a subject is put off.
    acceptance::eventually("it is refused six times", async || {
        (refusals.load(Ordering::SeqCst) >= 6).then_some(())
    })
    .await;
    world.say("good", 0).await;
    acceptance::eventually("the other one is published", async || (world.waiting().await == 1).then_some(()))
        .await;
    stop.stop();
    running.await.unwrap();
    let found = all(&*world.feed).await;
    assert_eq!(found.iter().map(|found| &*found.message.subject).collect::<Vec<_>>(), ["good"]);
}

pub(crate) async fn while_the_feed_is_away_everything_waits_and_then_arrives_in_order(database: Database) {
    let world = World::new(&database).await;
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let feed = Arc::new(Between::new(world.feed.clone()).publishing(move |_| {
        match counted.fetch_add(1, Ordering::SeqCst) {
            0..8 => Err(Fault::Unavailable("the feed".to_owned())),
            _ => Ok(()),
        }
    }));
    let stop = chassis::serve::Stop::manual();
    let running = tokio::spawn(world.relay(feed).run(stop.clone()));
    for number in 0..50 {
        world.say("a", number).await;
        world.say("b", number).await;
    }
    acceptance::eventually("everything is published", async || (world.waiting().await == 0).then_some(()))
        .await;
    let asked = calls.load(Ordering::SeqCst);
    assert!((9..40).contains(&asked), "it was asked {asked} times: neither given up nor hammered on");
    let found = all(&*world.feed).await;
    for (subject, texts) in by_subject(found.iter().map(|found| &*found.message)) {
        assert_eq!(texts, numbers(50), "about {subject}");
    }
    stop.stop();
    running.await.unwrap();
}

pub(crate) async fn a_large_outbox_is_published_in_small_parts(database: Database) {
    let world = World::new(&database).await;
    let half = "x".repeat(400_000);
    for number in 0..6 {
        let messages: Vec<_> = (0..200).map(|subject| recorded(&format!("task {subject}"), number)).collect();
        record(&world, &messages).await;
        record(&world, &[recorded("large", &half)]).await;
    }
    let feed = Arc::new(Between::new(world.feed.clone()));
    let relay = world.relay(feed.clone());
    while relay.run_once().await.unwrap() > 0 {}
    let published = feed.published.lock().unwrap();
    for batch in published.iter() {
        let size: usize = batch.iter().map(|message| message.data.to_string().len()).sum();
        assert!(batch.len() <= 100 && size < 1_500_000, "{} messages, {size} bytes", batch.len());
    }
    assert_eq!(published.concat().len(), 6 * 201);
}
