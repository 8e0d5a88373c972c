//! A POST with an `Idempotency-Key` has one effect and one answer, however often it is sent.

use serde_json::{Value, json};

use crate::{Answer, App, scenario::scenarios};

scenarios![
    a_repeat_answers_the_first_result_whatever_came_since,
    eight_at_once_with_one_key_are_one,
    a_key_is_known_after_a_power_cut,
    an_import_is_started_once_for_a_key,
    another_request_under_a_known_key_is_refused,
    the_same_key_on_another_route_is_another_key,
    a_key_that_is_none_is_refused,
    an_error_is_not_remembered,
    without_a_key_a_repeat_is_a_request_of_its_own
];

/// What is the same in each answer to a request and its repeats.
fn result(answer: &Answer) -> (u16, Option<&str>, Option<&str>, Option<&str>, &str) {
    let header = |name| answer.header(name);
    (answer.status, header("content-type"), header("location"), header("etag"), &answer.text)
}

#[track_caller]
fn is_repeat(answer: &Answer, first: &Answer) {
    assert_eq!(result(answer), result(first));
    assert_eq!(answer.header("idempotent-replayed"), Some("true"), "{answer}");
}

fn octocat() -> Value {
    json!({ "login": "octocat", "name": "Mona", "email": "mona@example.com" })
}

async fn a_repeat_answers_the_first_result_whatever_came_since(app: &App) {
    let join = || app.post("/api/team", &octocat()).idempotency_key("join-1");
    let first = join().await.is(201);
    assert_eq!(first.header("idempotent-replayed"), None);
    let changed = app.patch("/api/team/octocat", &json!({ "name": "Mona Lisa" })).await.is(200);

    is_repeat(&join().await, &first);
    assert_eq!(app.all("/api/team").await, [changed.body], "the repeat took effect");
}

/// Whether two meet in the middle is chance, so chance is given six times.
async fn eight_at_once_with_one_key_are_one(app: &App) {
    for round in 0..6 {
        let login = format!("octocat-{round}");
        let body = json!({ "login": login, "name": "Mona", "email": "mona@example.com" });
        let joins = (0..8).map(|_| async { app.post("/api/team", &body).idempotency_key(&login).await });
        let answers = futures::future::join_all(joins).await;
        let is_first = |answer: &&Answer| answer.header("idempotent-replayed").is_none();
        let first: Vec<_> = answers.iter().filter(is_first).collect();
        assert_eq!(first.len(), 1, "{answers:?}");
        assert_eq!(first[0].status, 201, "{}", first[0]);
        for answer in &answers {
            assert_eq!(result(answer), result(first[0]));
        }
    }
    assert_eq!(app.all("/api/team").await.len(), 6);
}

async fn a_key_is_known_after_a_power_cut(app: &App) {
    let join = || app.post("/api/team", &octocat()).idempotency_key("join-1");
    let first = join().await.is(201);
    app.power_cut();
    is_repeat(&join().await, &first);
}

async fn an_import_is_started_once_for_a_key(app: &App) {
    let start = || app.post("/api/imports", &json!({})).idempotency_key("monday");
    let first = start().await.is(202);
    let id = first["id"].as_str().expect("an import has an id");
    let done = app.imported(id).await;

    is_repeat(&start().await, &first);
    assert_eq!(first["status"], "queued", "the answer of then, not of now");
    assert_eq!(app.get(&format!("/api/imports/{id}")).await.is(200).body, done.body, "it was started again");
    // Another key is another request.
    assert_ne!(app.post("/api/imports", &json!({})).idempotency_key("tuesday").await.is(202)["id"], id);
}

async fn another_request_under_a_known_key_is_refused(app: &App) {
    let _ = app.post("/api/team", &octocat()).idempotency_key("join-1").await.is(201);
    let other = json!({ "login": "hubot", "name": "Hubot", "email": "hubot@example.com" });
    let refused = app.post("/api/team", &other).idempotency_key("join-1").await.is(422);
    assert_eq!(refused.fields(), ["Idempotency-Key"]);
    assert_eq!(app.all("/api/team").await.len(), 1);
}

async fn the_same_key_on_another_route_is_another_key(app: &App) {
    let _ = app.post("/api/team", &octocat()).idempotency_key("k").await.is(201);
    let import = app.post("/api/imports", &octocat()).idempotency_key("k").await.is(202);
    assert_eq!(import.header("idempotent-replayed"), None);
}

async fn a_key_that_is_none_is_refused(app: &App) {
    for key in ["", "two words", &"k".repeat(256)] {
        for path in ["/api/team", "/api/imports"] {
            let refused = app.post(path, &octocat()).idempotency_key(key).await.is(422);
            assert_eq!(refused.fields(), ["Idempotency-Key"], "{key:?}");
        }
    }
    assert!(app.all("/api/team").await.is_empty(), "a refused request took effect");
    let longest = "k".repeat(255);
    let _ = app.post("/api/team", &octocat()).idempotency_key(&longest).await.is(201);
}

async fn an_error_is_not_remembered(app: &App) {
    let _ = app.member("octocat").await;
    let join = |login: &str| {
        let body = json!({ "login": login, "name": "Mona", "email": "mona@example.com" });
        app.post("/api/team", &body).idempotency_key("join-1")
    };
    for _ in 0..2 {
        let taken = join("octocat").await.is(409);
        assert_eq!(taken.header("idempotent-replayed"), None);
    }
    // The key is still free: whoever was refused may ask for something else.
    let _ = join("hubot").await.is(201);
}

async fn without_a_key_a_repeat_is_a_request_of_its_own(app: &App) {
    let _ = app.post("/api/team", &octocat()).await.is(201);
    let again = app.post("/api/team", &octocat()).await.is(409);
    assert_eq!(again.header("idempotent-replayed"), None);
}
