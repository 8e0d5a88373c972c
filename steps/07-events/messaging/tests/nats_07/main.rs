//! The same promises over NATS JetStream, with a real server that is killed. Without one, these tests are ignored by name.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]
#![expect(dead_code, reason = "the world has more than is needed here")]

mod server;
#[path = "../messaging_07/world.rs"]
mod world;

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
        time::{Duration, Instant, sleep},
    },
};
use chassis::{Ctx, Fault, event::Recorded, serve::Stop};
use step_07_messaging::{Feed, Place, Reader, Subscription, feed::nats::Nats};
use store::query;

use self::{
    server::Server,
    world::{Between, Diary, World, numbers, recorded, text},
};

acceptance::on_both_databases!(
    given server::missing();
    relay_and_consumer_killed_at_any_point_each_message_takes_effect_once_and_in_order,
    the_same_id_is_the_same_message,
    at_two_instances_each_message_takes_effect_once_and_in_order,
    two_consumers_each_get_what_they_want,
    a_consumer_that_begins_again_gets_everything_from_the_beginning,
    a_database_that_is_an_older_copy_gets_what_it_lacks,
    while_the_server_is_away_everything_waits_and_then_arrives,
    a_server_that_has_lost_everything_is_used_again,
    a_stream_made_anew_is_read_from_its_beginning_once,
    what_is_no_message_of_ours_is_passed_over_for_good,
    the_stream_is_the_same_one_after_a_restart_of_its_server,
    what_nobody_can_take_is_parked_and_the_rest_goes_on
);

async fn world(database: &Database, server: &Server) -> World {
    World::over(database, Arc::new(Nats::new(server.url()))).await
}

/// What was done about `subject`.
async fn done(world: &World, consumer: &str, subject: &str) -> Vec<String> {
    let effects = world.effects(consumer).await;
    effects.into_iter().filter(|(of, _)| of == subject).map(|(_, text)| text).collect()
}

/// Waits for so many effects. What was asked of a server that is killed is asked again after its timeout.
async fn arrived(world: &World, effects: usize) {
    let has_arrived = async || (world.effects("diary").await.len() >= effects).then_some(());
    acceptance::eventually_within(Duration::from_secs(30), "everything has taken effect", has_arrived).await;
}

async fn work_off(subscription: &Subscription) {
    let since = Instant::now();
    while subscription.behind().await.unwrap() > 0 {
        subscription.run_once().await.unwrap();
        assert!(since.elapsed() < Duration::from_secs(60), "it never ends");
    }
}

async fn relay_and_consumer_killed_at_any_point_each_message_takes_effect_once_and_in_order(
    database: Database,
) {
    let server = Server::start().await;
    let world = world(&database, &server).await;
    let mut said = 0;
    let mut survived = 0;
    // In steps that grow: a killed consumer stands still for three seconds.
    let mut patience = 1;
    while survived < 2 {
        for subject in ["a", "b"] {
            world.say(subject, said).await;
        }
        said += 1;
        {
            let relay = world.relay(Arc::new(Nats::new(server.url())));
            let subscription = world.subscription(Arc::new(Diary::new("diary")));
            let mut run = pin!(async {
                relay.run_once().await.unwrap();
                for _ in 0..2 {
                    subscription.run_once().await.unwrap();
                }
            });
            let mut polls = 0;
            while polls < patience && poll!(&mut run).is_pending() {
                polls += 1;
                sleep(Duration::from_micros(200)).await;
            }
            survived += usize::from(polls < patience);
        }
        world.end_leases().await;
        patience += 1 + patience / 3;
    }
    world.publish().await;
    work_off(&world.subscription(Arc::new(Diary::new("diary")))).await;
    for subject in ["a", "b"] {
        assert_eq!(done(&world, "diary", subject).await, numbers(said), "about {subject}");
    }
    assert!(said > 5, "it was killed {said} times");
}

async fn the_same_id_is_the_same_message(database: Database) {
    let server = Server::start().await;
    let world = world(&database, &server).await;
    let ctx = Ctx::background(Duration::from_secs(5));
    let messages: Vec<Recorded> = (0..5).map(|number| recorded("a", number)).collect();
    for _ in 0..3 {
        world.feed.publish(&ctx, &messages).await.unwrap();
    }
    let subscription = world.subscription(Arc::new(Diary::new("diary")));
    assert_eq!(subscription.behind().await.unwrap(), 5);
    let wrong = Recorded { kind: "test.a b".to_owned(), ..recorded("a", 6) };
    assert!(matches!(world.feed.publish(&ctx, &[wrong]).await, Err(Fault::Invalid(_))));
}

async fn at_two_instances_each_message_takes_effect_once_and_in_order(database: Database) {
    let server = Server::start().await;
    let world = world(&database, &server).await;
    for number in 0..60 {
        world.say("a", number).await;
    }
    world.publish().await;
    let stop = Stop::manual();
    let mut running = acceptance::tokio::task::JoinSet::new();
    for _ in 0..2 {
        let feed = Arc::new(Nats::new(server.url()));
        let instance = Subscription::new(world.store.clone(), feed, Arc::new(Diary::new("diary")));
        running.spawn(instance.run(stop.clone()));
    }
    // At first one may take the stream's consumer from the other, which tries again.
    arrived(&world, 60).await;
    stop.stop();
    running.join_all().await;
    assert_eq!(done(&world, "diary", "a").await, numbers(60));
}

async fn two_consumers_each_get_what_they_want(database: Database) {
    let server = Server::start().await;
    let world = world(&database, &server).await;
    let ctx = Ctx::background(Duration::from_secs(5));
    let other = Recorded { kind: "other.said".to_owned(), ..recorded("a", "not wanted") };
    world.feed.publish(&ctx, &[recorded("a", 0), other, recorded("a", 1)]).await.unwrap();
    for name in ["diary", "chronicle"] {
        work_off(&world.subscription(Arc::new(Diary::new(name)))).await;
        assert_eq!(done(&world, name, "a").await, numbers(2), "{name}");
    }
}

async fn a_consumer_that_begins_again_gets_everything_from_the_beginning(database: Database) {
    let server = Server::start().await;
    let world = world(&database, &server).await;
    for number in 0..30 {
        world.say("a", number).await;
    }
    world.publish().await;
    let begun_again = Arc::new(AtomicBool::new(false));
    let asked = begun_again.clone();
    let diary = Diary::new("diary").answering(move |message: &Recorded| {
        let waits = text(message) == "20" && !asked.load(Ordering::SeqCst);
        if waits { Err(Fault::Unavailable("the database".to_owned())) } else { Ok(()) }
    });
    let stop = Stop::manual();
    let running = tokio::spawn(world.subscription(Arc::new(diary)).run(stop.clone()));
    acceptance::eventually("it has come to 20", async || {
        (done(&world, "diary", "a").await.len() == 20).then_some(())
    })
    .await;
    let mut tx = world.store.begin_write().await.unwrap();
    step_07_messaging::begin_again(&mut tx, "diary").await.unwrap();
    query("DELETE FROM effects").execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    begun_again.store(true, Ordering::SeqCst);
    acceptance::eventually("everything is there", async || {
        (done(&world, "diary", "a").await.len() >= 30).then_some(())
    })
    .await;
    assert_eq!(done(&world, "diary", "a").await, numbers(30));
    stop.stop();
    running.await.unwrap();
}

async fn a_database_that_is_an_older_copy_gets_what_it_lacks(database: Database) {
    let server = Server::start().await;
    let world = world(&database, &server).await;
    for number in 0..10 {
        world.say("a", number).await;
    }
    world.publish().await;
    work_off(&world.subscription(Arc::new(Diary::new("diary")))).await;
    // As it was after the fourth message.
    for sql in [
        "UPDATE positions SET position = 4",
        "DELETE FROM effects WHERE CAST(text AS BIGINT) >= 4",
        "DELETE FROM inbox",
    ] {
        query(sql).execute(&world.store).await.unwrap();
    }
    let feed = Arc::new(Nats::new(server.url()));
    work_off(&Subscription::new(world.store.clone(), feed, Arc::new(Diary::new("diary")))).await;
    assert_eq!(done(&world, "diary", "a").await, numbers(10));
}

async fn while_the_server_is_away_everything_waits_and_then_arrives(database: Database) {
    let mut server = Server::start().await;
    let world = world(&database, &server).await;
    let stop = Stop::manual();
    let mut running = acceptance::tokio::task::JoinSet::new();
    running.spawn(world.relay(world.feed.clone()).run(stop.clone()));
    running.spawn(world.subscription(Arc::new(Diary::new("diary"))).run(stop.clone()));
    for number in 0..60 {
        world.say("a", number).await;
        world.say("b", number).await;
        match number {
            20 => server.kill(),
            40 => server.start_again().await,
            _ => {}
        }
    }
    arrived(&world, 120).await;
    for subject in ["a", "b"] {
        assert_eq!(done(&world, "diary", subject).await, numbers(60), "about {subject}");
    }
    stop.stop();
    running.join_all().await;
}

/// What had not been taken is gone with it: nobody can bring that back but whoever keeps the facts. But who comes after goes on.
async fn a_server_that_has_lost_everything_is_used_again(database: Database) {
    let mut server = Server::start().await;
    let world = world(&database, &server).await;
    for number in 0..5 {
        world.say("a", number).await;
    }
    world.publish().await;
    let subscription = world.subscription(Arc::new(Diary::new("diary")));
    work_off(&subscription).await;
    server.kill();
    server.forget();
    server.start_again().await;
    for number in 5..8 {
        world.say("a", number).await;
    }
    acceptance::eventually("they are published", async || {
        world.end_leases().await;
        let _ = world.relay(world.feed.clone()).run_once().await;
        (world.waiting().await == 0).then_some(())
    })
    .await;
    acceptance::eventually("they have taken effect", async || {
        let _ = subscription.run_once().await;
        (done(&world, "diary", "a").await == numbers(8)).then_some(())
    })
    .await;
}

async fn what_nobody_can_take_is_parked_and_the_rest_goes_on(database: Database) {
    let server = Server::start().await;
    let world = world(&database, &server).await;
    for number in 0..4 {
        world.say("a", number).await;
        world.say("b", number).await;
    }
    world.publish().await;
    let diary = Diary::new("diary").answering(|message: &Recorded| {
        let fails = message.subject == "a" && text(message) == "2";
        if fails { Err(Fault::internal("planted")) } else { Ok(()) }
    });
    work_off(&world.subscription(Arc::new(diary))).await;
    assert_eq!(done(&world, "diary", "a").await, numbers(2));
    assert_eq!(done(&world, "diary", "b").await, numbers(4));
    query("UPDATE parked SET state = 'retry' WHERE state = 'parked'").execute(&world.store).await.unwrap();
    world.subscription(Arc::new(Diary::new("diary"))).run_once().await.unwrap();
    assert_eq!(done(&world, "diary", "a").await, numbers(4));
}

/// A process of the consumer, started again, that takes what is there; how many messages it was handed.
async fn started_again(world: &World, server: &Server) -> usize {
    let feed = Arc::new(Between::new(Arc::new(Nats::new(server.url()))));
    work_off(&Subscription::new(world.store.clone(), feed.clone(), Arc::new(Diary::new("diary")))).await;
    feed.read.lock().unwrap().iter().sum()
}

async fn jetstream(server: &Server) -> async_nats::jetstream::Context {
    async_nats::jetstream::new(async_nats::connect(server.address()).await.unwrap())
}

async fn a_stream_made_anew_is_read_from_its_beginning_once(database: Database) {
    let server = Server::start().await;
    let world = world(&database, &server).await;
    let mut said = 0;
    // Not so far as the one before it, as far, and further.
    for more in [5, 3, 3, 8] {
        jetstream(&server).await.delete_stream("AUTOMATOR").await.ok();
        for number in said..said + more {
            world.say("a", number).await;
        }
        said += more;
        acceptance::eventually("they are published", async || {
            world.end_leases().await;
            let _ = world.relay(world.feed.clone()).run_once().await;
            (world.waiting().await == 0).then_some(())
        })
        .await;
        let subscription = world.subscription(Arc::new(Diary::new("diary")));
        assert_eq!(subscription.behind().await.unwrap(), i64::try_from(more).unwrap());
        assert_eq!(started_again(&world, &server).await, more);
        assert_eq!(done(&world, "diary", "a").await, numbers(said));
        assert_eq!(started_again(&world, &server).await, 0, "it is read once");
    }
}

/// Neither as the first one that a consumer wants nor as the last one.
async fn what_is_no_message_of_ours_is_passed_over_for_good(database: Database) {
    let server = Server::start().await;
    let world = world(&database, &server).await;
    // Made with the first message, of which nobody wants to know.
    let other = Recorded { kind: "other.said".to_owned(), ..recorded("a", "not wanted") };
    world.feed.publish(&Ctx::background(Duration::from_secs(5)), &[other]).await.unwrap();
    let jetstream = jetstream(&server).await;
    let strange = async || {
        jetstream.publish("automator.test.said", "no message".into()).await.unwrap().await.unwrap().sequence
    };
    let _ = strange().await;
    for number in 0..3 {
        world.say("a", number).await;
    }
    world.publish().await;
    let last = strange().await;
    let _ = started_again(&world, &server).await;
    assert_eq!(done(&world, "diary", "a").await, numbers(3));
    let position = "SELECT position FROM positions WHERE consumer = 'diary'";
    assert_eq!(world::number(&world.store, position).await, i64::try_from(last).unwrap());
    let again = world.subscription(Arc::new(Diary::new("diary")));
    assert_eq!(again.behind().await.unwrap(), 0);
    assert_eq!(again.run_once().await.unwrap(), 0, "it was met again");
}

async fn the_stream_is_the_same_one_after_a_restart_of_its_server(database: Database) {
    let mut server = Server::start().await;
    let world = world(&database, &server).await;
    world.say("a", 0).await;
    world.publish().await;
    let reader = Reader { consumer: "test", wants: &["test"], after: Place::default(), wait: Duration::ZERO };
    let read = async |url| {
        let read = Nats::new(url).read(&Ctx::background(Duration::from_secs(5)), &reader, 1).await;
        read.unwrap().feed
    };
    let before = read(server.url()).await;
    server.kill();
    server.start_again().await;
    assert_eq!(read(server.url()).await, before);
}
