//! Somebody joins the team, somebody else opens a pull request, and the first is given it: by that, every service tells something and hears
//! something.

use std::{collections::BTreeSet, time::Duration};

use acceptance::{
    App, Delivery,
    reqwest::Method,
    serde_json::{Value, json},
    tokio::time::{Instant, sleep},
};

pub(crate) const REST: &str = "sendgrid/rest";

/// How long somebody may have to try: a process is started again within a second or two.
const PATIENCE: Duration = Duration::from_secs(30);

/// Somebody, and what they were given.
pub(crate) struct Person {
    login: String,
    key: String,
}

impl Person {
    /// They join, and are given the task of a new pull request. Whoever gets no answer asks again, as people and GitHub do.
    pub(crate) async fn comes(app: &App, number: usize) -> Self {
        let login = format!("member-{number}");
        let new = json!({ "login": login, "name": login, "email": format!("{login}@example.com") });
        // The answer may have been lost: then they are a member already.
        until(async || matches!(status(app, Method::POST, "/api/team", &new).await, 201 | 409), "joins")
            .await;
        let event = json!({
            "action": "opened", "kind": "pull_request", "repository": REST, "author": "giver",
            "title": format!("Mend it, number {number}")
        });
        let delivery = app.happens(event).await;
        until(async || delivered(app, &delivery).await, "GitHub is told 202").await;
        let key = format!("{REST}#{}", delivery.number());
        let path = format!("/api/tasks/{}", domain::task_id(&key.parse().unwrap()));
        until(async || status(app, Method::GET, &path, &Value::Null).await == 200, "there is a task").await;
        let given = json!({ "assignee": login });
        until(async || status(app, Method::PATCH, &path, &given).await == 200, "is given the task").await;
        Self { login, key }
    }
}

/// What is to be seen when nobody is killed any more: each has a task with one thanks and one mail, and is measured.
///
/// GitHub takes no key: a comment may be made once more when `github` is killed between GitHub's answer and the note of it, which may have
/// happened `repeated` times.
///
/// # Panics
/// Something is lost, or was done twice.
pub(crate) async fn check(app: &App, people: &[Person], repeated: usize) {
    let expected: BTreeSet<(String, String)> =
        people.iter().map(|person| (person.key.clone(), person.login.clone())).collect();
    told(app, people.len()).await;
    app.is_followed().await;
    // Whatever is on its way twice arrives before what is told now.
    app.marker(REST).await;
    sleep(Duration::from_secs(1)).await;
    let (comments, mails) = (comments(app).await, mails(app).await);
    let mailed: BTreeSet<&String> = mails.iter().collect();
    assert_eq!(
        (mailed.len(), mails.len()),
        (expected.len(), expected.len()),
        "a mail is missing or went out twice: {mails:?}"
    );
    let thanked: BTreeSet<&String> = comments.iter().collect();
    assert_eq!(thanked.len(), expected.len(), "a thanks is missing: {comments:?}");
    assert!(comments.len() <= expected.len() + repeated, "thanks were repeated: {comments:?}");
    // Who was killed in the middle of a rule goes on with it when the lease has ended.
    let there = async || -> BTreeSet<(String, String)> {
        let there = app.all("/api/tasks?limit=100&status=needs_review").await;
        there.iter().map(|task| (text(&task["item"]["key"]), text(&task["assignee"]))).collect()
    };
    let since = Instant::now();
    while there().await != expected && since.elapsed() < PATIENCE {
        sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(there().await, expected, "a rule was not followed, or somebody has not what they were given");
}

/// Waits until that many were thanked and mailed.
pub(crate) async fn told(app: &App, people: usize) {
    until(async || comments(app).await.len() >= people, "everybody is thanked").await;
    until(async || mails(app).await.len() >= people, "everybody has a mail").await;
}

/// What GitHub was told to say, by whom on what.
async fn comments(app: &App) -> Vec<String> {
    let calls = app.simulators().taken("github").await;
    let variables = calls.iter().map(|call| &call["fields"]["variables"]);
    variables.filter(|variables| variables["text"].is_string()).map(ToString::to_string).collect()
}

/// Who was mailed about a task, and about which.
async fn mails(app: &App) -> Vec<String> {
    let calls = app.simulators().taken("sendgrid").await;
    calls
        .iter()
        .map(|call| format!("{} {}", call["fields"]["personalizations"], call["fields"]["content"]))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

async fn status(app: &App, method: Method, path: &str, body: &Value) -> u16 {
    let request = app.request(method, path).token(acceptance::TOKEN);
    let request = if body.is_null() { request } else { request.json(body) };
    request.send().await.map_or(0, |answer| answer.status)
}

async fn delivered(app: &App, delivery: &Delivery) -> bool {
    app.delivery(delivery).send().await.is_ok_and(|answer| answer.status == 202)
}

async fn until(done: impl AsyncFn() -> bool, what: &str) {
    let until = Instant::now() + PATIENCE;
    while !done().await {
        assert!(Instant::now() < until, "not within {PATIENCE:?}: {what}");
        sleep(Duration::from_millis(30)).await;
    }
}
