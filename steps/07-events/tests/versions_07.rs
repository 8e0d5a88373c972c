//! What was recorded once is understood for ever: every message of version 1, as it lies in `messaging/tests/messages/v1`, is put into the feed
//! and taken by all who want it. A new version of a message adds files there and changes none.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{fs, path::Path};

use acceptance::{
    App, Database, SERVICE_TOKEN, Step, eventually,
    reqwest::Method,
    serde_json::{Value, json},
};

acceptance::on_both_databases!(
    messages_of_version_1_are_taken_by_all_who_want_them,
    one_that_cannot_be_read_is_parked
);

/// Those who take messages.
const CONSUMERS: [&str; 4] = ["backlog", "github", "insights", "web"];

async fn messages_of_version_1_are_taken_by_all_who_want_them(database: Database) {
    let app = started(database);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("messaging/tests/messages/v1");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut messages: Vec<Value> = Vec::new();
    for path in paths {
        let mut message: Value =
            acceptance::serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        // Whoever tells may be newer than whoever hears, in the envelope and in what it says.
        message["newer"] = json!("unknown");
        message["data"]["newer"] = json!({ "unknown": true });
        messages.push(message);
    }
    let kinds = messages.iter().map(|message| message["type"].as_str().unwrap());
    for context in ["github.", "team.", "backlog.", "ask_github.", "ask_web."] {
        assert!(
            kinds.clone().any(|kind| kind.starts_with(context)),
            "no {context} among the recorded messages"
        );
    }
    put(&app, &messages).await;
    // A newer teller also tells what nobody here has heard of.
    let mut unheard = team("0192d1c5-0000-7000-8000-0000000000fd", "mona");
    unheard["type"] = json!("team.member_praised");
    unheard["data"] = json!({ "fact": "member_praised", "login": "mona" });
    put(&app, &[unheard]).await;
    // What comes after them is taken after them, by each.
    put(&app, &[team("0192d1c5-0000-7000-8000-0000000000ff", "last")]).await;
    for consumer in CONSUMERS {
        taken(&app, consumer).await;
        assert_eq!(parked(&app, consumer).await, Vec::<Value>::new(), "{consumer} does not understand these");
    }
    // And they had their effect: of all that is told of the item, that it was closed is the newest.
    let done = app.all("/api/tasks?status=done&limit=100").await;
    assert!(done.iter().any(|task| task["item"]["key"] == "sendgrid/rest#87"), "{done:?}");
}

async fn one_that_cannot_be_read_is_parked(database: Database) {
    let app = started(database);
    put(&app, &[team("0192d1c5-0000-7000-8000-0000000000fe", "not a login!")]).await;
    for consumer in ["backlog", "github", "insights"] {
        let parked = eventually("it is parked", async || parked(&app, consumer).await.pop()).await;
        assert_eq!((&parked["consumer"], &parked["kind"]), (&json!(consumer), &json!("team.member_joined")));
    }
    // It holds nobody else up.
    let _ = app.member("mona").await;
    let number = app.told(json!({ "action": "opened", "repository": "sendgrid/rest" })).await.number();
    let task = app.task(&format!("sendgrid/rest#{number}")).await;
    let path = format!("/api/tasks/{}", task["id"].as_str().unwrap());
    let _ = app.patch(&path, &json!({ "assignee": "mona" })).await.is(200);
}

fn started(database: Database) -> App {
    let step =
        Step { number: "07", binary: env!("CARGO_BIN_EXE_system-07"), folder: env!("CARGO_MANIFEST_DIR") };
    App::start(&step, database, |options| options).unwrap()
}

/// That somebody has joined.
fn team(id: &str, login: &str) -> Value {
    json!({
        "id": id, "type": "team.member_joined", "version": 1, "origin": "api", "subject": login,
        "time": "2030-01-02T08:00:00Z", "data": { "fact": "member_joined", "login": login }
    })
}

async fn put(app: &App, messages: &[Value]) {
    let feed = app.request_to("feed", Method::POST, "/internal/feed").token(SERVICE_TOKEN);
    let _ = feed.json(&json!({ "messages": messages })).await.is(200);
}

async fn parked(app: &App, service: &str) -> Vec<Value> {
    let parked = app.request_to(service, Method::GET, "/internal/parked").token(SERVICE_TOKEN).await.is(200);
    parked["parked"].as_array().unwrap().clone()
}

/// Waits until a consumer has taken everything that it wants.
async fn taken(app: &App, consumer: &str) {
    let name = format!("messages_behind{{consumer=\"{consumer}\"}} 0");
    eventually(&format!("{consumer} has taken everything"), async || {
        let metrics = app.request_to(consumer, Method::GET, "/metrics").await.is(200);
        metrics.text.lines().any(|line| line == name).then_some(())
    })
    .await;
}
