//! Webhooks from GitHub: signed, repeated, late, and not ours.

use std::{
    collections::HashSet,
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::{App, TOKEN, becomes, scenario::scenarios, signature};

scenarios![
    copy:
    an_import_and_the_webhooks_agree;
    an_opened_issue_becomes_an_item_and_a_task,
    a_delivery_that_is_not_signed_with_our_secret_is_refused,
    twenty_deliveries_eight_times_at_once_leave_twenty_items,
    a_delivery_that_is_cut_short_is_whole_after_its_repeat,
    a_redelivery_has_no_second_effect,
    a_late_delivery_never_moves_an_item_back_in_time,
    opened_and_closed_in_one_second_is_closed,
    a_deleted_issue_is_nobodys_task,
    a_closed_item_ends_its_task_and_a_reopened_one_takes_it_up_again,
    a_merged_pull_request_is_merged,
    what_waits_follows_the_conversation,
    a_comment_that_was_taken_back_stays_away,
    what_is_not_ours_is_acknowledged_and_changes_nothing,
    a_payload_that_is_not_githubs_is_refused,
    a_payload_that_is_too_long_is_refused_before_it_is_sent
];

const REST: &str = "sendgrid/rest";

fn opened(title: &str) -> Value {
    json!({ "action": "opened", "repository": REST, "author": "asker", "title": title })
}

async fn an_opened_issue_becomes_an_item_and_a_task(app: &App) {
    // Titles are what people really write.
    let title = "<script>alert(1)</script> \u{1F680} \"quotes\" & 'more' \u{202E}العربية";
    let opened = app.told(opened(title)).await;
    let item = app.item(REST, opened.number()).await;
    assert_eq!(item["title"], title);
    assert_eq!(
        (&item["author"], &item["state"], &item["waiting"]),
        (&json!("asker"), &json!("open"), &json!("contact"))
    );
    let task = app.task(item["key"].as_str().unwrap_or_default()).await;
    assert_eq!(task["item"], item.body);
    assert_eq!((&task["status"], &task["rank"]), (&json!("intake"), &json!(1)));
}

async fn a_delivery_that_is_not_signed_with_our_secret_is_refused(app: &App) {
    let delivery = app.happens(opened("forged")).await;
    let signed_by = |secret: &str| signature(secret, &delivery.body);
    let right = signed_by(crate::SECRET);
    let wrong = [
        signed_by("another secret"),
        signed_by(TOKEN),
        right.replace("sha256=", "sha1="),
        right[..right.len() - 2].to_owned(),
        format!("{right}00"),
        right.replace("sha256=", ""),
        "sha256=".to_owned(),
    ];
    for signature in wrong {
        let answer = app.delivery(&delivery).header("x-hub-signature-256", signature.as_str()).await.is(401);
        assert_eq!(answer["type"], "urn:automator:bad-signature", "{signature}");
    }
    let _ = app.delivery(&delivery).without("x-hub-signature-256").await.is(401);
    // The bytes are signed, not what they mean.
    let spaced = delivery.body.replacen('{', "{ ", 1);
    let _ = app.delivery(&delivery).text("application/json", spaced).await.is(401);
    // The token that opens every other write does not open this one.
    let _ = app.delivery(&delivery).without("x-hub-signature-256").token(TOKEN).await.is(401);
    assert!(app.all("/api/items").await.is_empty(), "a forged delivery took effect");
    let _ = app.delivery(&delivery).await.is(202);
    assert_eq!(app.all("/api/items").await.len(), 1);
}

async fn twenty_deliveries_eight_times_at_once_leave_twenty_items(app: &App) {
    let mut deliveries = Vec::new();
    for n in 0..20 {
        deliveries.push(app.happens(opened(&format!("Number {n}"))).await);
    }
    let posts =
        deliveries.iter().flat_map(|delivery| (0..8).map(|_| async { app.delivery(delivery).await.status }));
    // Each of them by eight clients at once, five of them at a time.
    let answers: Vec<u16> = stream::iter(posts).buffer_unordered(40).collect().await;
    assert!(answers.iter().all(|status| *status == 202), "{answers:?}");
    let items = app.all("/api/items").await;
    assert_eq!(items.len(), 20);
    becomes(20, async || app.all("/api/tasks").await.len()).await;
    app.marker(REST).await;
    let tasks = app.all("/api/tasks").await;
    assert_eq!(tasks.len(), 21, "a repeat made a task");
    let keys: HashSet<_> = items.iter().map(|item| item["key"].to_string()).collect();
    assert_eq!(keys.len(), 20);
    assert!(tasks.iter().all(|task| task["version"] == 1), "a repeat changed a task");
}

/// Whoever delivers waits for no longer than it says, and the deadline falls anywhere in the work. What was begun by then is done
/// to its end or not at all, so the repeat leaves an item with its task.
async fn a_delivery_that_is_cut_short_is_whole_after_its_repeat(app: &App) {
    let mut deliveries = Vec::new();
    for n in 0..120 {
        deliveries.push(app.happens(opened(&format!("Number {n}"))).await);
    }
    let posts = deliveries.iter().enumerate().map(|(n, delivery)| async move {
        let milliseconds = 1 + n % 45;
        let cut = app.delivery(delivery).header("x-request-timeout", milliseconds.to_string()).await;
        assert!(matches!(cut.status, 202 | 504), "{cut}");
        let _ = app.delivery(delivery).await.is(202);
        cut.status
    });
    let answers: Vec<u16> = stream::iter(posts).buffer_unordered(8).collect().await;
    let cut = answers.iter().filter(|status| **status == 504).count();
    assert!(cut > 0, "no deadline was met: this shows nothing");
    assert_eq!(app.all("/api/items?limit=100").await.len(), deliveries.len());
    becomes(deliveries.len(), async || app.all("/api/tasks?limit=100").await.len()).await;
}

async fn a_redelivery_has_no_second_effect(app: &App) {
    let number = app.told(opened("Closed by mistake")).await.number();
    // GitHub counts in seconds, so both changes may bear the same time.
    let at = "2019-07-20T10:00:00Z";
    let change = |action: &str| json!({ "action": action, "repository": REST, "number": number, "at": at });
    let closed = app.told(change("closed")).await;
    let _ = app.told(change("reopened")).await;
    let before = app.item(REST, number).await;
    assert_eq!(before["state"], "open");
    let _ = app.delivery(&closed).await.is(202);
    assert_eq!(app.item(REST, number).await.body, before.body, "the redelivered close closed it again");
}

async fn a_late_delivery_never_moves_an_item_back_in_time(app: &App) {
    let number = app.told(opened("First title")).await.number();
    let change = |action: &str, title: &str| json!({ "action": action, "repository": REST, "number": number, "title": title });
    let second = app.happens(change("edited", "Second title")).await;
    let closed = app.happens(json!({ "action": "closed", "repository": REST, "number": number })).await;
    let reopened = app.happens(json!({ "action": "reopened", "repository": REST, "number": number })).await;
    let third = app.happens(change("edited", "Third title")).await;
    for delivery in [&third, &closed, &second, &reopened] {
        let _ = app.delivery(delivery).await.is(202);
        let item = app.item(REST, number).await;
        assert_eq!((&item["title"], &item["state"]), (&json!("Third title"), &json!("open")));
    }
    app.marker(REST).await;
    let task = app.task(&format!("{REST}#{number}")).await;
    assert_eq!((&task["status"], &task["version"]), (&json!("intake"), &json!(1)));
}

async fn opened_and_closed_in_one_second_is_closed(app: &App) {
    let at = "2019-07-20T10:00:00Z";
    let opened = app.happens(json!({ "action": "opened", "repository": REST, "at": at })).await;
    let number = opened.number();
    let closed =
        app.happens(json!({ "action": "closed", "repository": REST, "number": number, "at": at })).await;
    for delivery in [&closed, &opened] {
        let _ = app.delivery(delivery).await.is(202);
        assert_eq!(app.item(REST, number).await["state"], "closed");
    }
    app.marker(REST).await;
    assert!(app.task_about(&format!("{REST}#{number}")).await.is_none());
}

async fn a_deleted_issue_is_nobodys_task(app: &App) {
    for action in ["deleted", "transferred"] {
        let opened = app.told(opened("Not for long")).await;
        let key = format!("{REST}#{}", opened.number());
        let _ = app.task(&key).await;
        let mut payload = opened.payload();
        payload["action"] = json!(action);
        let _ = app.webhook("issues", &payload).await.is(202);
        assert_eq!(app.item(REST, opened.number()).await["state"], "closed", "{action}");
        app.no_task(&key).await;
    }
}

async fn a_closed_item_ends_its_task_and_a_reopened_one_takes_it_up_again(app: &App) {
    let number = app.told(opened("To and fro")).await.number();
    let key = format!("{REST}#{number}");
    let task = app.task(&key).await;
    let place = format!("/api/tasks/{}", task["id"].as_str().unwrap_or_default());
    let _ = app.patch(&place, &json!({ "status": "in_progress", "due_date": "2030-01-02" })).await.is(200);

    let closed =
        json!({ "action": "closed", "repository": REST, "number": number, "at": "2019-07-20T10:00:00Z" });
    let _ = app.told(closed).await;
    assert_eq!(app.item(REST, number).await["closed_at"], "2019-07-20T10:00:00Z");
    let stands = async || {
        let task = app.get(&place).await.is(200);
        (task["status"].clone(), task["rank"].clone())
    };
    becomes((json!("done"), Value::Null), stands).await;
    assert!(app.task_about(&key).await.is_none(), "a closed item is still in the backlog");
    let kept = app.patch(&place, &json!({ "status": "in_progress" })).await.is(422);
    assert_eq!(kept.fields(), ["status"], "nobody works on what is closed");
    let _ = app.patch(&place, &json!({ "due_date": "2030-01-02" })).await.is(200);

    let _ = app.told(json!({ "action": "reopened", "repository": REST, "number": number })).await;
    assert_eq!(app.item(REST, number).await["closed_at"], Value::Null);
    let again = app.task(&key).await;
    assert_eq!(
        (&again["id"], &again["status"], &again["due_date"]),
        (&task["id"], &json!("intake"), &json!("2030-01-02"))
    );
}

async fn a_merged_pull_request_is_merged(app: &App) {
    let pull = json!({ "action": "opened", "repository": REST, "kind": "pull_request", "author": "giver" });
    let number = app.told(pull).await.number();
    let task = app.task(&format!("{REST}#{number}")).await;
    assert_eq!(number_of(&task["rice"]["impact"]), 2.5, "a pull request has one more");
    let _ = app.told(json!({ "action": "merged", "repository": REST, "number": number })).await;
    let item = app.item(REST, number).await;
    assert_eq!((&item["kind"], &item["state"]), (&json!("pull_request"), &json!("merged")));
    app.no_task(&format!("{REST}#{number}")).await;
}

fn number_of(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("expected a number, not {value}"))
}

async fn what_waits_follows_the_conversation(app: &App) {
    app.without_rules().await;
    let _ = app.member("maintainer").await;
    let pull = json!({
        "action": "opened", "repository": REST, "kind": "pull_request", "author": "giver", "at": "2019-07-01T08:00:00Z"
    });
    let number = app.told(pull).await.number();
    let waits = async || {
        let item = app.item(REST, number).await;
        let text = |field: &str| item[field].as_str().unwrap_or("-").to_owned();
        (text("waiting"), text("waiting_since"))
    };
    let says = async |action: &str, author: &str, hour: &str| {
        let at = format!("2019-07-01T{hour}:00:00Z");
        let event =
            json!({ "action": action, "repository": REST, "number": number, "author": author, "at": at });
        let _ = app.told(event).await;
    };
    let at = |waiting: &str, hour: &str| (waiting.to_owned(), format!("2019-07-01T{hour}:00:00Z"));
    let nobody = ("-".to_owned(), "-".to_owned());

    becomes(at("contact", "08"), waits).await;
    says("commented", "helper[bot]", "09").await;
    // A bot is no contact.
    becomes(at("contact", "08"), waits).await;
    says("commented", "passer-by", "10").await;
    becomes(at("contact", "08"), waits).await;
    says("reviewed", "Maintainer", "11").await;
    // A maintainer has spoken.
    becomes(nobody.clone(), waits).await;
    says("commented", "other[bot]", "12").await;
    // A bot does not wait.
    becomes(nobody.clone(), waits).await;
    says("commented", "giver", "13").await;
    says("commented", "giver", "14").await;
    // Since the first word that nobody answered.
    becomes(at("response", "13"), waits).await;
    assert_eq!(app.get("/api/items?waiting=response").await.items().len(), 1);
    says("closed", "giver", "15").await;
    // Nobody waits for what is closed.
    becomes(nobody.clone(), waits).await;
}

async fn a_comment_that_was_taken_back_stays_away(app: &App) {
    let _ = app.member("maintainer").await;
    let opened = json!({ "action": "opened", "repository": REST, "author": "maintainer" });
    let number = app.told(opened).await.number();
    let comment = json!({ "action": "commented", "repository": REST, "number": number, "author": "asker" });
    let said = app.happens(comment).await;
    let taken = json!({ "action": "comment_deleted", "repository": REST, "number": number });
    let taken = app.happens(taken).await;
    let _ = app.delivery(&taken).await.is(202);
    let _ = app.delivery(&said).await.is(202);
    // The team is asked to answer nothing.
    becomes(Value::Null, async || app.item(REST, number).await["waiting"].clone()).await;
}

async fn an_import_and_the_webhooks_agree(app: &App) {
    let number = app.told(opened("Told first, read later")).await.number();
    let told = ["commented", "labeled", "closed", "reopened", "commented"];
    for action in told {
        let mut event = json!({ "action": action, "repository": REST, "number": number });
        if action == "labeled" {
            event["label"] = json!("type: bug");
        }
        let _ = app.told(event).await;
    }
    app.marker(REST).await;
    let before = (app.all("/api/items?limit=100").await, app.all("/api/tasks?limit=100").await);
    let _ = app.import().await;
    let after = (app.all("/api/items?limit=100").await, app.all("/api/tasks?limit=100").await);
    assert_eq!(after, before, "the import found something that the webhooks did not tell");
}

async fn what_is_not_ours_is_acknowledged_and_changes_nothing(app: &App) {
    let repository = json!({ "full_name": REST });
    let _ = app
        .webhook("ping", &json!({ "zen": "Keep it logically awesome.", "repository": repository }))
        .await
        .is(202);
    let _ = app.webhook("ping", &json!({ "zen": "An organisation has no repository." })).await.is(202);
    let _ = app.webhook("star", &json!({ "action": "created", "repository": repository })).await.is(202);
    let _ = app
        .webhook("issues", &json!({ "action": "opened", "repository": { "full_name": "some/body" } }))
        .await
        .is(202);
    let elsewhere = app.happens(opened("Elsewhere")).await;
    let payload: Value =
        serde_json::from_str(&elsewhere.body.replace(REST, "sendgrid/untracked")).expect("still JSON");
    let _ = app.webhook("issues", &payload).await.is(202);
    assert!(app.all("/api/items").await.is_empty());
    assert_eq!(app.all("/api/repositories").await.len(), 2);
}

async fn a_payload_that_is_not_githubs_is_refused(app: &App) {
    let repository = json!({ "full_name": REST });
    for payload in [json!(null), json!([]), json!({ "repository": 7 })] {
        let _ = app.webhook("issues", &payload).await.is(400);
    }
    let half = app.webhook("issues", &json!({ "action": "opened", "repository": repository })).await.is(400);
    assert!(half["detail"].as_str().is_some_and(|detail| detail.contains("issue")), "{half}");
    let signed = |body: &str| {
        app.webhook("issues", &Value::Null)
            .text("application/json", body)
            .header("x-hub-signature-256", signature(crate::SECRET, body))
    };
    let _ = signed("{").await.is(400);
    let _ = signed("").await.is(400);
    let delivery = app.happens(opened("No id")).await;
    let _ = app.delivery(&delivery).without("x-github-delivery").await.is(400);
    let _ = app.delivery(&delivery).without("x-github-event").await.is(400);
    assert!(app.all("/api/items").await.is_empty());
}

async fn a_payload_that_is_too_long_is_refused_before_it_is_sent(app: &App) {
    let address = app.front().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).expect("the system listens");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout above zero");
    let head =
        format!("POST /webhooks/github HTTP/1.1\r\nhost: {address}\r\ncontent-length: 30000000\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("the system reads");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("an answer before the body");
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 413");
}
