//! The service for messages is killed, stopped, slow, and answers nonsense: nobody waits longer than they agreed to, nothing
//! that was accepted is lost, and when it is well again nobody has to be restarted.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::{
    collections::BTreeMap,
    slice,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use acceptance::{
    Answer, App, Database, Step,
    futures::{StreamExt, join, stream},
    harness::{Fault, Proxy, ports::Port},
    serde_json::{Value, json},
    tokio::time::sleep,
};

acceptance::on_both_databases!(
    killed_under_load_it_loses_nothing,
    stopped_it_costs_a_caller_a_bounded_time,
    slow_or_babbling_it_is_asked_again_under_the_same_keys,
);

const REST: &str = "sendgrid/rest";

/// How long a request that needs the service may take: the three seconds that the monolith or the gateway waits for it, and what a
/// busy machine may add. Without their limits it would be ten at least.
const BOUND: Duration = Duration::from_secs(8);
/// How long one that does not need it may take.
const UNTOUCHED: Duration = Duration::from_secs(5);
/// How long everybody waits for the end of all messages.
const WITHIN: Duration = Duration::from_secs(60);

/// How often the service is killed.
const KILLS: u64 = 8;
/// How many messages it has with the providers at most when it is killed: four of each.
const UNDER_WAY: usize = 8;

async fn killed_under_load_it_loses_nothing(database: Database) {
    let app = Arc::new(App::start(&step(), database, |options| options).unwrap());
    let _ = app.member("mona").await;
    app.without_rules().await;
    let rule = json!({
        "name": "opened", "when": "item_opened",
        "then": [{ "notify": { "channel": "email", "to": "mona", "text": "look: {title}" } }]
    });
    let _ = app.post("/api/rules", &rule).await.is(201);

    let killer = thread::spawn({
        let app = Arc::clone(&app);
        move || (1..=KILLS).for_each(|round| kill(&app, round))
    });
    let opened = stream::iter(0..40).map(async |number| {
        sleep(Duration::from_millis(number * 120)).await;
        let event = json!({ "action": "opened", "repository": REST, "title": format!("item {number}") });
        app.told(event).await.number()
    });
    let digests = stream::iter(0..20).map(async |number: u64| {
        sleep(Duration::from_millis(number * 250)).await;
        let (took, answer) = timed(digest(&app, number)).await;
        assert!(took < BOUND, "a digest took {took:?}");
        places(&answer.is(202))
    });
    let (opened, digests): (Vec<i64>, Vec<Vec<String>>) =
        join!(opened.buffer_unordered(4).collect::<Vec<_>>(), digests.buffer_unordered(3).collect());
    while !killer.is_finished() {
        sleep(Duration::from_millis(20)).await;
    }
    killer.join().expect("every kill was followed by a start");

    let digests: Vec<String> = digests.into_iter().flatten().collect();
    all_sent(&app, &digests).await;
    let mut mails = BTreeMap::new();
    within("every rule's message is sent", async || {
        mails = subjects(&app).await;
        opened.iter().all(|number| mails.contains_key(&format!("opened: {REST}#{number}"))).then_some(())
    })
    .await;
    let sent: usize = mails.values().sum();
    let again = sent - opened.len() - digests.len();
    println!("{KILLS} kills: {} messages, {again} of them went out again", opened.len() + digests.len());
    let most = UNDER_WAY * usize::try_from(KILLS).unwrap();
    assert!(again <= most, "{again} went out again: {mails:?}");
}

async fn stopped_it_costs_a_caller_a_bounded_time(database: Database) {
    let app = App::start(&step(), database, |options| options).unwrap();
    let _ = app.member("mona").await;
    app.system().pause("notify").unwrap();
    let message = json!({ "channel": "email", "to": "lisa@example.com", "subject": "Hello", "body": "x" });
    let send = async |key: &str| app.post("/api/notifications", &message).idempotency_key(key).await;

    // It comes back while somebody waits: that was a pause, and no failure.
    let back = async {
        sleep(Duration::from_secs(2)).await;
        app.system().resume("notify").unwrap();
    };
    let ((took, sent), (elsewhere, _), ()) =
        join!(timed(send("a-pause")), timed(async { app.get("/api/tasks").await.is(200) }), back);
    let place = |answer: &Answer| answer.header("location").expect("a message has a place").to_owned();
    let paused = place(&sent.is(202));
    assert!(took < BOUND && elsewhere < UNTOUCHED, "{took:?} {elsewhere:?}");

    // One database still: stopped within a write, it would keep SQLite's only lock, and everybody else from writing.
    all_sent(&app, slice::from_ref(&paused)).await;
    app.system().pause("notify").unwrap();
    let ((direct, sent), (by_way, kept), (elsewhere, _)) = join!(
        timed(send("too-long")),
        timed(digest(&app, 1)),
        timed(async { app.get("/api/tasks").await.is(200) })
    );
    app.system().resume("notify").unwrap();
    let _ = sent.is(504);
    let kept = places(&kept.is(202));
    assert!(direct < BOUND && by_way < BOUND && elsewhere < UNTOUCHED, "{direct:?} {by_way:?} {elsewhere:?}");

    // Whoever does not know asks again under the same key.
    let again = place(&send("too-long").await.is(202));
    all_sent(&app, &[kept, vec![again]].concat()).await;
    let mails = subjects(&app).await;
    assert_eq!(mails.get("Hello"), Some(&2), "two keys, two mails: {mails:?}");
    assert_eq!(mails.values().sum::<usize>(), 3, "and one digest: {mails:?}");
}

async fn slow_or_babbling_it_is_asked_again_under_the_same_keys(database: Database) {
    let port = Port::take().unwrap();
    let way = Proxy::start(&format!("http://127.0.0.1:{}", port.number())).await.unwrap();
    let app = App::start(&step(), database, |options| {
        options.port("notify", port.number()).via("notify", way.url())
    })
    .unwrap();
    let _ = app.member("mona").await;
    let troubles = [
        ("slow", Fault::delay(Duration::from_secs(30))),
        ("babbling", Fault::answer_with(200, "<html>welcome</html>")),
        ("babbling JSON", Fault::answer_with(202, r#"{"notifications":"soon"}"#)),
        ("over its limit", Fault::answer(429)),
        ("unwell", Fault::answer(500)),
        ("not ready", Fault::answer(503)),
        ("cut off behind its work", Fault::cut()),
        ("gone", Fault::drop_connection()),
    ];
    let mut kept = Vec::new();
    for (number, (what, fault)) in (0..).zip(troubles) {
        way.add(fault.on("POST", "/internal/"));
        let (took, answer) = timed(digest(&app, number)).await;
        assert!(took < BOUND, "{what}: it took {took:?}");
        kept.extend(places(&answer.is(202)));
        // A repeat while it is down is the same digest.
        assert_eq!(places(&digest(&app, number).await.is(202)), kept[kept.len() - 1..], "{what}");
        way.clear();
    }
    all_sent(&app, &kept).await;
    let mails = subjects(&app).await;
    assert_eq!(mails.values().sum::<usize>(), kept.len(), "each digest is one mail: {mails:?}");
}

fn step() -> Step {
    Step { number: "04", binary: env!("CARGO_BIN_EXE_system-04"), folder: env!("CARGO_MANIFEST_DIR") }
}

/// Kills the service after a while and starts it again after another.
fn kill(app: &App, round: u64) {
    // Not a multiple of anything that a process does regularly.
    thread::sleep(Duration::from_millis(200 + round * 137 % 400));
    app.system().kill("notify").expect("it was running");
    thread::sleep(Duration::from_millis(round * 211 % 500));
    app.system().start_again("notify").expect("it comes back");
}

async fn digest(app: &App, number: u64) -> Answer {
    app.post("/api/digests", &json!({})).idempotency_key(&format!("digest-{number}")).await
}

/// Where the mails of a digest are.
fn places(answer: &Answer) -> Vec<String> {
    let mails = answer["notifications"].as_array().into_iter().flatten();
    let places: Vec<String> =
        mails.map(|mail| format!("/api/notifications/{}", mail["id"].as_str().unwrap_or_default())).collect();
    assert_eq!(places.len(), 1, "one member, one mail: {answer}");
    places
}

async fn timed<T>(work: impl Future<Output = T>) -> (Duration, T) {
    let start = Instant::now();
    let done = work.await;
    (start.elapsed(), done)
}

/// Waits until each of these messages was sent.
async fn all_sent(app: &App, places: &[String]) {
    for place in places {
        within(&format!("{place} is sent"), async || {
            (app.get(place).await["status"] == "sent").then_some(())
        })
        .await;
    }
}

async fn within(what: &str, mut ask: impl AsyncFnMut() -> Option<()>) {
    let until = Instant::now() + WITHIN;
    while ask().await.is_none() {
        assert!(Instant::now() < until, "not within {WITHIN:?}: {what}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// How many mails with each subject SendGrid has taken.
async fn subjects(app: &App) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in app.simulators().taken("sendgrid").await {
        let subject =
            call["fields"]["subject"].as_str().map_or_else(|| Value::Null.to_string(), str::to_owned);
        *counts.entry(subject).or_default() += 1;
    }
    counts
}
