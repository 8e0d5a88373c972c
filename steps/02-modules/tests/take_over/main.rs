//! What step 01 wrote is there in step 02, told by the same answers; and a second take-over changes nothing.
//!
//! The data is the real one, where it is: see step 01's test `real_data`.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{env, path::Path};

use acceptance::{
    App, Database, Step, becomes, eventually,
    serde_json::{Value, json},
};

acceptance::on_both_databases!(what_step_01_wrote_is_there_and_a_second_take_over_changes_nothing);

const FIRST: Step = Step {
    number: "01",
    binary: env!("CARGO_BIN_EXE_system-02"),
    folder: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/take_over"),
};
const SECOND: Step =
    Step { number: "02", binary: env!("CARGO_BIN_EXE_system-02"), folder: env!("CARGO_MANIFEST_DIR") };

const REST: &str = "sendgrid/rest";

/// Starts a step on the real data and the whole catalogue where the data is, on the generated data elsewhere.
fn start(step: &Step, database: Database) -> App {
    let beside =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/merged-pull-requests.jsonl");
    let data = env::var_os("WORKSHOP_DATA").map_or(beside, Into::into);
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/domain/src/catalogue.toml");
    App::start(step, database, |options| {
        if !data.exists() {
            return options;
        }
        options.value("data", data.display().to_string()).value("catalogue", catalogue.display().to_string())
    })
    .unwrap()
}

/// Everything that a client can see, but for what depends on the moment.
async fn everything(app: &App) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for list in [
        "/api/repositories?limit=100",
        "/api/items?limit=100",
        "/api/tasks?limit=100",
        "/api/tasks?limit=100&status=done",
        "/api/team?limit=100",
        "/api/rules?limit=100",
    ] {
        all.push((list.to_owned(), app.all(list).await.into()));
    }
    for year in 2012..=2026 {
        let path = format!("/api/leaderboard?year={year}");
        all.push((path.clone(), app.get(&path).await.is(200).body));
    }
    // Up to a day that is over: who waits now waits longer every hour.
    let mut measures = app.get("/api/measures?to=2026-01-01").await.is(200).body;
    for group in measures["groups"].as_array_mut().into_iter().flatten() {
        group["waiting_now"] = group["waiting_now"]["count"].clone();
    }
    all.push(("/api/measures".to_owned(), measures));
    all
}

/// The task page's table of what became of a task.
async fn history(app: &App, id: &str) -> String {
    let page = app.get(&format!("/tasks/{id}")).await.is(200).text;
    page.split("class=\"history\"")
        .nth(1)
        .unwrap_or_default()
        .split("</table>")
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// What people did in step 01: the id of the task that they did it to, the place of a message nobody
/// has sent, and what GitHub said of the task's item.
async fn live(app: &App) -> (String, String, Value) {
    for login in ["mona", "gone"] {
        let _ = app.member(login).await;
    }
    let told = |action: &str, more: Value| {
        let mut event = json!({ "action": action, "repository": REST });
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let opened = app.told(told("opened", json!({ "kind": "pull_request", "author": "giver" }))).await;
    let number = opened.number();
    let _ = app.told(told("commented", json!({ "number": number, "author": "mona" }))).await;
    let closed = app.told(told("opened", json!({ "author": "asker" }))).await.number();
    let _ = app.told(told("closed", json!({ "number": closed }))).await;
    let task = app.task(&format!("{REST}#{number}")).await;
    let id = task["id"].as_str().unwrap().to_owned();
    let change = json!({ "assignee": "gone", "due_date": "2030-01-02", "rice": { "effort": 2 } });
    let _ = app.patch(&format!("/api/tasks/{id}"), &change).await.is(200);
    let _ = app.patch("/api/team/gone", &json!({ "active": false })).await.is(200);
    let first_rule = app.all("/api/rules").await[1]["id"].as_str().unwrap().to_owned();
    let _ = app.delete(&format!("/api/rules/{first_rule}")).await.is(204);
    // The shipped rule has moved it and thanked: nothing is under way any more.
    let place = format!("/api/tasks/{id}");
    becomes(json!("needs_review"), async || app.get(&place).await.is(200)["status"].clone()).await;
    let pending =
        async || app.get("/metrics").await.is(200).text.contains("\nrule_actions_pending 0\n").then_some(());
    eventually("no action is pending", pending).await;
    let down = json!({ "service": "sendgrid", "kind": "status", "status": 503, "times": null });
    let _ = app.simulators().fault(&down).await.is(201);
    let queued = send(app).await;
    let place = queued.header("location").unwrap().to_owned();
    (id, place, opened.payload())
}

/// Queues a mail under a key.
async fn send(app: &App) -> acceptance::Answer {
    let mail = json!({ "channel": "email", "to": "mona@example.com", "subject": "Hello", "body": "Hello" });
    app.post("/api/notifications", &mail).idempotency_key("a-mail-of-step-01").await.is(202)
}

async fn what_step_01_wrote_is_there_and_a_second_take_over_changes_nothing(database: Database) {
    let first = start(&FIRST, database.clone());
    let _ = first.import().await;
    let (task, message, pull) = live(&first).await;
    let before = everything(&first).await;
    let (told, sent) = (history(&first, &task).await, send(&first).await);
    assert_eq!(sent.header("idempotent-replayed"), Some("true"));
    drop(first);

    let second = start(&SECOND, database.clone());
    same(&everything(&second).await, &before);
    assert_eq!(history(&second, &task).await, told, "the history of a task is another");
    let again = send(&second).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"), "a key of step 01 is forgotten");
    assert_eq!((again["id"].clone(), again.header("location")), (sent["id"].clone(), Some(message.as_str())));
    // Nobody refuses it any more.
    becomes(json!("sent"), async || second.get(&message).await.is(200)["status"].clone()).await;
    // What the lists do not show: whether an item is closed, and whether a factor was set.
    let done = second.get("/api/tasks?status=done&limit=1").await.is(200).items()[0]["id"].clone();
    let reopened =
        second.patch(&format!("/api/tasks/{}", done.as_str().unwrap()), &json!({ "status": "intake" }));
    assert_eq!(reopened.await.is(422).fields(), ["status"], "a closed item can be worked on");
    // From here on step 02 has the word.
    let place = format!("/api/tasks/{task}");
    let _ = second.patch(&place, &json!({ "status": "deferred" })).await.is(200);
    let rule = second.all("/api/rules").await[0]["id"].as_str().unwrap().to_owned();
    let _ = second.delete(&format!("/api/rules/{rule}")).await.is(204);
    for (action, label, state, at) in
        [("labeled", "difficulty: very hard", "open", "2030-01-01"), ("closed", "", "closed", "2030-01-02")]
    {
        let mut payload = pull.clone();
        payload["action"] = json!(action);
        payload["label"] = json!({ "name": label });
        payload["pull_request"]["labels"] = json!([{ "name": "difficulty: very hard" }]);
        payload["pull_request"]["state"] = json!(state);
        payload["pull_request"]["updated_at"] = json!(format!("{at}T00:00:00Z"));
        let _ = second.webhook("pull_request", &payload).await.is(202);
    }
    becomes(json!("done"), async || second.get(&place).await.is(200)["status"].clone()).await;
    let effort = second.get(&place).await.is(200)["rice"]["effort"].clone();
    assert_eq!(effort, 2.0, "a factor that a person set follows the item");
    let since = everything(&second).await;
    drop(second);

    let third = start(&SECOND, database);
    same(&everything(&third).await, &since);
}

fn same(found: &[(String, Value)], expected: &[(String, Value)]) {
    for ((path, found), (_, expected)) in found.iter().zip(expected) {
        if let (Some(found), Some(expected)) = (found.as_array(), expected.as_array()) {
            assert_eq!(found.len(), expected.len(), "{path}");
            for (found, expected) in found.iter().zip(expected) {
                assert_eq!(found, expected, "{path}");
            }
        }
        assert_eq!(found, expected, "{path}");
    }
}
