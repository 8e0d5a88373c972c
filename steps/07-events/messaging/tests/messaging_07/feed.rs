//! The process `feed`, asked over HTTP.

use std::{fs, path::Path, sync::Arc};

use acceptance::{
    Database,
    reqwest::Method,
    serde_json::{self, Value, json},
    tokio::{
        self,
        time::{Duration, Instant, sleep},
    },
};
use chassis::{Ctx, event::Recorded};
use step_02_contracts::{
    BacklogEvent, Event, GithubEvent, TeamEvent,
    wishes::{Comment, MessageMembers},
};
use step_07_messaging::{Feed, Place, Reader};

use crate::world::{self, TOKEN, World, all, record, recorded};

const FAR: &str = "0192d1c5-0000-7000-8000-00000000000";

async fn ask(world: &World, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
    let client = world::client();
    let mut request = client.request(method, format!("{}/internal/feed{path}", world.url)).bearer_auth(TOKEN);
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

fn reader(position: i64, wait: Duration) -> Reader {
    let after = Place { feed: None, position };
    Reader { consumer: "test", wants: &["test"], after, wait }
}

fn envelope(number: usize, kind: &str) -> Value {
    json!({
        "id": format!("{FAR}{number}"), "type": kind, "version": 7, "origin": "test", "subject": "a", "time": "2030-01-02T00:00:00Z",
        "data": { "text": "0.1000", "of a later version": [1.5, null] }, "traceparent": "of a later step"
    })
}

pub(crate) async fn a_message_comes_back_as_it_was_appended_also_what_we_do_not_know_of_it(
    database: Database,
) {
    let world = World::new(&database).await;
    let (sent, other) = (envelope(1, "test.said"), envelope(2, "other.said"));
    let appended = ask(&world, Method::POST, "", Some(&json!({ "messages": [sent, other] }))).await;
    assert_eq!(appended, (200, json!({ "head": 2 })));
    let (_, read) = ask(&world, Method::GET, "?after=0&wants=test", None).await;
    let feed = &read["feed"];
    assert!(feed.as_str().is_some_and(|id| id.len() == 36), "{read}");
    assert_eq!(read, json!({ "feed": feed, "messages": [{ "position": 1, "message": sent }] }));
    let (_, again) = ask(&world, Method::GET, "?after=1&wants=test,other.said,nobody", None).await;
    assert_eq!(again, json!({ "feed": feed, "messages": [{ "position": 2, "message": other }] }));
    let (_, count) = ask(&world, Method::GET, "/count?after=0&wants=test,other.said", None).await;
    assert_eq!(count, json!({ "feed": feed, "count": 2 }));
}

pub(crate) async fn the_same_id_is_the_same_message(database: Database) {
    let world = World::new(&database).await;
    let ctx = Ctx::background(Duration::from_secs(5));
    let messages: Vec<Recorded> = (0..5).map(|number| recorded("a", number)).collect();
    world.feed.publish(&ctx, &messages[..3]).await.unwrap();
    world.feed.publish(&ctx, &[&messages[1..], &messages[4..]].concat()).await.unwrap();
    let publish_at_once = (0..8).map(|_| world.feed.publish(&ctx, &messages));
    assert!(acceptance::futures::future::join_all(publish_at_once).await.iter().all(Result::is_ok));
    let found = all(&*world.feed).await;
    assert_eq!(found.iter().map(|found| found.position).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(
        found.iter().map(|found| found.message.id).collect::<Vec<_>>(),
        messages.iter().map(|message| message.id).collect::<Vec<_>>()
    );
}

pub(crate) async fn a_reader_that_waits_is_told_at_once(database: Database) {
    let world = World::new(&database).await;
    let feed: Arc<dyn Feed> = world.feed.clone();
    let since = Instant::now();
    let waiting = tokio::spawn(async move {
        feed.read(&Ctx::background(Duration::from_secs(8)), &reader(0, Duration::from_secs(5)), 10).await
    });
    sleep(Duration::from_millis(300)).await;
    let ctx = Ctx::background(Duration::from_secs(5));
    world.feed.publish(&ctx, &[recorded("a", 0)]).await.unwrap();
    let found = waiting.await.unwrap().unwrap();
    assert_eq!(found.messages.len(), 1);
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    let since = Instant::now();
    let nothing = world.feed.read(&ctx, &reader(1, Duration::from_millis(400)), 10).await.unwrap().messages;
    assert!(nothing.is_empty() && since.elapsed() >= Duration::from_millis(400), "{:?}", since.elapsed());
}

pub(crate) async fn bad_requests_are_answered_and_nothing_is_appended(database: Database) {
    let world = World::new(&database).await;
    let many: Vec<_> = (0..501).map(|_| envelope(1, "test.said")).collect();
    // What no reader could read would hold up all of them.
    let with = |name: &str, value: Value| {
        let mut envelope = envelope(1, "test.said");
        envelope[name] = value;
        json!({ "messages": [envelope] })
    };
    for (wrong, field) in [
        (json!({ "messages": [envelope(1, "test.said"), { "id": "x" }] }), "messages[1]"),
        (json!({ "messages": [envelope(1, "said")] }), "messages[0].type"),
        (json!({ "messages": [envelope(1, "a b.c")] }), "messages[0].type"),
        (json!({ "messages": [{ "id": "", "type": "a.b" }] }), "messages[0]"),
        (with("id", json!("no UUID")), "messages[0]"),
        (with("version", json!("7")), "messages[0]"),
        (with("time", json!("yesterday")), "messages[0]"),
        (with("subject", Value::Null), "messages[0]"),
        (json!({ "messages": many }), "messages"),
    ] {
        let (status, problem) = ask(&world, Method::POST, "", Some(&wrong)).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &field.into()), "{problem}");
    }
    for wrong in [
        "?after=x&wants=test",
        "?after=0&wants=",
        "?after=1&wants=test",
        "?after=-1&wants=test",
        "?after=0&wants=test%00",
        "?after=0&wants=test&limit=0",
        "?after=0&wants=test&limit=501",
    ] {
        assert_eq!(ask(&world, Method::GET, wrong, None).await.0, 422, "{wrong}");
        assert_eq!(ask(&world, Method::GET, &format!("/count{wrong}"), None).await.0, 422, "{wrong}");
    }
    let unknown = world::client().get(format!("{}/internal/feed?after=0&wants=test", world.url));
    assert_eq!(unknown.send().await.unwrap().status(), 401);
    assert_eq!(all(&*world.feed).await.len(), 0);
}

/// Messages as step 07 sent them first, which may lie in an outbox, in the feed or among the parked ones for years.
pub(crate) async fn recorded_messages_of_version_1_go_through_outbox_and_feed(database: Database) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages/v1");
    let world = World::new(&database).await;
    let mut sent = Vec::new();
    for file in fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let message: Recorded = serde_json::from_str(&text).unwrap();
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_value(&message).unwrap(), read, "{}", path.display());
        assert_eq!(message.version, 1, "{}", path.display());
        let is_read = match message.kind.split('.').next() {
            Some("github") => message.read::<GithubEvent>().map(|event| event.kind() == message.kind),
            Some("team") => message.read::<TeamEvent>().map(|event| event.kind() == message.kind),
            Some("ask_github") => message.read::<Comment>().map(|wish| wish.kind() == message.kind),
            Some("ask_web") => message.read::<MessageMembers>().map(|wish| wish.kind() == message.kind),
            _ => message.read::<BacklogEvent>().map(|event| event.kind() == message.kind),
        };
        assert!(matches!(is_read, Ok(true)), "{}: {is_read:?}", path.display());
        sent.push(message);
    }
    assert!(sent.len() >= 8, "{}", sent.len());
    record(&world, &sent).await;
    world.publish().await;
    let wants: &[&str] = &["github", "team", "backlog", "ask_github", "ask_web"];
    let reader = Reader { consumer: "test", wants, after: Place::default(), wait: Duration::ZERO };
    let found = world.feed.read(&Ctx::background(Duration::from_secs(5)), &reader, 100).await.unwrap();
    let mut found: Vec<_> = found.messages.iter().map(|found| (*found.message).clone()).collect();
    found.sort_by_key(|message| message.id);
    sent.sort_by_key(|message| message.id);
    assert_eq!(found, sent);
}
