//! Messages that do not take effect.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use acceptance::{
    Database,
    reqwest::{self, Method},
    serde_json::Value,
    tokio::{
        self,
        net::TcpListener,
        time::{Duration, Instant, sleep},
    },
};
use async_trait::async_trait;
use chassis::{Fault, event::Recorded, serve::Stop};
use step_07_messaging::{Consumer, Poison, Subscription};
use store::{Backend, Tx, query};

use crate::world::{self, Diary, TOKEN, World, embedded, number, numbers, secret, serve_feed, text};

/// Fails at what says 2 about `a`, while `broken`.
fn fussy(broken: &Arc<AtomicBool>) -> Diary {
    let broken = broken.clone();
    Diary::new("diary").answering(move |message: &Recorded| {
        let fails = message.subject == "a" && text(message) == "2" && broken.load(Ordering::SeqCst);
        if fails { Err(Fault::internal("a number that nobody likes")) } else { Ok(()) }
    })
}

/// The parked messages of a world, over HTTP.
struct Desk {
    url: String,
    client: reqwest::Client,
}

impl Desk {
    async fn of(world: &World) -> Self {
        let router = chassis::http::frame(step_07_messaging::router(world.store.clone(), Some(secret())));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/internal/parked", listener.local_addr().unwrap());
        tokio::spawn(chassis::serve::run(listener, router, Stop::manual()));
        chassis::client::install_crypto();
        Self { url, client: world::client() }
    }

    async fn ask(&self, method: Method, path: &str, token: &str) -> (u16, Value) {
        let request = self.client.request(method, format!("{}{path}", self.url)).bearer_auth(token);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    async fn list(&self) -> Vec<Value> {
        let (status, body) = self.ask(Method::GET, "", TOKEN).await;
        assert_eq!(status, 200, "{body}");
        body["parked"].as_array().unwrap().clone()
    }

    async fn decide(&self, id: &Value, what: &str) -> (u16, Value) {
        self.ask(Method::POST, &format!("/{}/{what}", id.as_str().unwrap()), TOKEN).await
    }
}

async fn work_off(subscription: &Subscription) {
    while subscription.run_once().await.unwrap() > 0 {}
}

async fn done(world: &World, subject: &str) -> Vec<String> {
    let effects = world.effects("diary").await;
    effects.into_iter().filter(|(of, _)| of == subject).map(|(_, text)| text).collect()
}

/// A world in which 2 about `a` is parked.
async fn parked(database: &Database, diary: Diary) -> (World, Subscription, Desk) {
    let world = World::new(database).await;
    for number in 0..5 {
        world.say("a", number).await;
        world.say("b", number).await;
    }
    world.publish().await;
    let subscription = world.subscription(Arc::new(diary));
    work_off(&subscription).await;
    let desk = Desk::of(&world).await;
    (world, subscription, desk)
}

pub(crate) async fn a_message_that_always_fails_is_parked_and_only_its_subject_waits(database: Database) {
    let broken = Arc::new(AtomicBool::new(true));
    let (world, subscription, desk) = parked(&database, fussy(&broken)).await;
    assert_eq!((done(&world, "a").await, done(&world, "b").await), (numbers(2), numbers(5)));
    assert_eq!(subscription.behind().await.unwrap(), 0, "nobody else is held up");
    let list = desk.list().await;
    assert_eq!(list.len(), 1, "{list:?}");
    let shown = &list[0];
    assert_eq!(
        (&shown["consumer"], &shown["kind"], &shown["subject"]),
        (&"diary".into(), &"test.said".into(), &"a".into())
    );
    assert_eq!((&shown["tries"], &shown["waiting"]), (&5.into(), &2.into()));
    assert!(shown["reason"].as_str().unwrap().contains("a number that nobody likes"), "{shown}");
    assert!(shown["parked_at"].as_str().unwrap().ends_with('Z'), "{shown}");
    assert_eq!(desk.ask(Method::GET, "", "another-token").await.0, 401);
    // What comes later waits too.
    world.say("a", 5).await;
    world.say("b", 5).await;
    world.publish().await;
    work_off(&subscription).await;
    assert_eq!((done(&world, "a").await, done(&world, "b").await), (numbers(2), numbers(6)));
    assert_eq!(desk.list().await[0]["waiting"], 3);
}

pub(crate) async fn those_behind_a_parked_one_follow_in_order_when_it_works(database: Database) {
    let broken = Arc::new(AtomicBool::new(true));
    let (world, subscription, desk) = parked(&database, fussy(&broken)).await;
    let id = desk.list().await[0]["id"].clone();
    assert_eq!(desk.decide(&id, "retry").await.0, 202);
    assert_eq!(desk.decide(&id, "retry").await.0, 202, "asked twice");
    work_off(&subscription).await;
    let again = desk.list().await;
    assert_eq!(
        (again.len(), &again[0]["tries"]),
        (1, &10.into()),
        "failed again, it is parked again: {again:?}"
    );
    assert_eq!(done(&world, "a").await, numbers(2));
    broken.store(false, Ordering::SeqCst);
    assert_eq!(desk.decide(&id, "retry").await.0, 202);
    // One that comes in between must not come before those that wait.
    world.say("a", 5).await;
    world.publish().await;
    work_off(&subscription).await;
    assert_eq!(done(&world, "a").await, numbers(6));
    assert_eq!(desk.list().await.len(), 0);
    assert_eq!(desk.decide(&id, "retry").await.0, 404, "it is done");
    assert_eq!(world.store.count("SELECT count(*) FROM parked").await.unwrap(), 0);
}

pub(crate) async fn given_up_it_never_takes_effect_and_the_others_do(database: Database) {
    let broken = Arc::new(AtomicBool::new(true));
    let (world, subscription, desk) = parked(&database, fussy(&broken)).await;
    let id = desk.list().await[0]["id"].clone();
    assert_eq!(desk.decide(&"no-such-message".into(), "give-up").await.0, 404);
    assert_eq!(desk.decide(&id, "give-up").await.0, 202);
    work_off(&subscription).await;
    assert_eq!(done(&world, "a").await, ["0", "1", "3", "4"]);
    assert_eq!(desk.list().await.len(), 0);
    let (status, problem) = desk.decide(&id, "retry").await;
    assert_eq!((status, &problem["detail"]), (409, &"this message was given up".into()));
    assert_eq!(world.store.count("SELECT count(*) FROM parked").await.unwrap(), 1, "for whoever asks later");
}

pub(crate) async fn commands_go_on_behind_a_parked_one(database: Database) {
    let broken = Arc::new(AtomicBool::new(true));
    let diary = Diary { poison: Poison::GoesOn, ..fussy(&broken) };
    let (world, subscription, desk) = parked(&database, diary).await;
    assert_eq!(done(&world, "a").await, ["0", "1", "3", "4"]);
    let list = desk.list().await;
    assert_eq!((list.len(), &list[0]["waiting"]), (1, &0.into()));
    broken.store(false, Ordering::SeqCst);
    assert_eq!(desk.decide(&list[0]["id"], "retry").await.0, 202);
    work_off(&subscription).await;
    assert_eq!(done(&world, "a").await, ["0", "1", "3", "4", "2"]);
}

pub(crate) async fn what_is_away_is_waited_for_and_nothing_is_parked(database: Database) {
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = tries.clone();
    let diary = Diary::new("diary").answering(move |_| match counted.fetch_add(1, Ordering::SeqCst) {
        3 => Err(Fault::DeadlineExceeded),
        0..7 => Err(Fault::Unavailable("the database".to_owned())),
        _ => Ok(()),
    });
    let (world, _, desk) = parked(&database, diary).await;
    assert_eq!((done(&world, "a").await, desk.list().await.len()), (numbers(5), 0));
    assert_eq!(tries.load(Ordering::SeqCst), 7 + 10);
}

pub(crate) async fn a_consumer_that_panics_parks_the_message_and_goes_on(database: Database) {
    let diary = Diary::new("diary").answering(|message: &Recorded| {
        assert!(!(message.subject == "a" && text(message) == "2"), "planted");
        Ok(())
    });
    let (world, _, desk) = parked(&database, diary).await;
    assert_eq!((done(&world, "a").await, done(&world, "b").await), (numbers(2), numbers(5)));
    assert!(desk.list().await[0]["reason"].as_str().unwrap().contains("panicked"));
}

pub(crate) async fn what_is_parked_is_known_also_when_the_inbox_has_forgotten_it(database: Database) {
    for poison in [Poison::Waits, Poison::GoesOn] {
        let broken = Arc::new(AtomicBool::new(true));
        let diary = Diary { poison, ..fussy(&broken) };
        let database = database.copy().unwrap();
        let (world, subscription, desk) = parked(&database, diary).await;
        let before = done(&world, "a").await;
        // After 31 days the feed hands them over once more, by which time the reader has been mended.
        broken.store(false, Ordering::SeqCst);
        let forget = "DELETE FROM inbox WHERE message_id IN (SELECT message_id FROM parked)";
        for sql in [forget, "UPDATE positions SET position = 0"] {
            query(sql).execute(&world.store).await.unwrap();
        }
        work_off(&subscription).await;
        assert_eq!((done(&world, "a").await, done(&world, "b").await), (before, numbers(5)));
        let list = desk.list().await;
        let waiting = if poison == Poison::Waits { 2 } else { 0 };
        assert_eq!((list.len(), &list[0]["waiting"]), (1, &waiting.into()), "{poison:?}: {list:?}");
        query("DELETE FROM inbox").execute(&world.store).await.unwrap();
        assert_eq!(desk.decide(&list[0]["id"], "retry").await.0, 202);
        work_off(&subscription).await;
        assert!(done(&world, "a").await.contains(&"2".to_owned()));
        assert_eq!(number(&world.store, "SELECT count(*) FROM parked").await, 0);
        let known = number(&world.store, "SELECT count(*) FROM inbox").await;
        assert_eq!(known, 1 + waiting, "what takes effect late is known from then on");
    }
}

pub(crate) async fn what_comes_of_another_feed_waits_behind_what_is_parked_of_the_last_one(
    database: Database,
) {
    let broken = Arc::new(AtomicBool::new(true));
    let (mut world, _, desk) = parked(&database, fussy(&broken)).await;
    let url = serve_feed(&database.another().unwrap()).await;
    world.feed = Arc::new(embedded(&url));
    for number in 5..7 {
        world.say("a", number).await;
    }
    world.publish().await;
    let subscription = world.subscription(Arc::new(fussy(&broken)));
    work_off(&subscription).await;
    assert_eq!(done(&world, "a").await, numbers(2));
    let list = desk.list().await;
    assert_eq!(list[0]["waiting"], 4);
    broken.store(false, Ordering::SeqCst);
    assert_eq!(desk.decide(&list[0]["id"], "retry").await.0, 202);
    work_off(&subscription).await;
    assert_eq!(done(&world, "a").await, numbers(7));
}

/// Takes twenty seconds the first time, and fails the next four times.
struct Slow(AtomicUsize, Backend);

#[async_trait]
impl Consumer for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn wants(&self) -> &'static [&'static str] {
        &["test"]
    }

    async fn apply(&self, tx: &mut Tx, _: &Recorded) -> Result<(), Fault> {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            0 if self.1 == Backend::Postgres => {
                query("SELECT pg_sleep(20)").execute(tx).await?;
                Ok(())
            }
            0 => {
                sleep(Duration::from_secs(20)).await;
                Ok(())
            }
            1..5 => Err(Fault::internal("planted")),
            _ => Ok(()),
        }
    }
}

/// The limit of a statement at PostgreSQL would say that the database is away, which is waited for without end.
pub(crate) async fn an_effect_that_takes_too_long_is_a_failure_of_the_message(database: Database) {
    let world = World::new(&database).await;
    world.say("a", 0).await;
    world.publish().await;
    let slow = Arc::new(Slow(AtomicUsize::new(0), world.store.backend()));
    let since = Instant::now();
    work_off(&world.subscription(slow.clone())).await;
    assert_eq!(
        slow.0.load(Ordering::SeqCst),
        5,
        "five failures, of which the first is that it took too long"
    );
    assert_eq!(number(&world.store, "SELECT count(*) FROM parked WHERE tries = 5").await, 1);
    assert!(since.elapsed() < Duration::from_secs(15), "{:?}", since.elapsed());
}
