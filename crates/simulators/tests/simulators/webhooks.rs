//! What happens on GitHub, and the webhooks that tell of it.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::Simulators;

const REPOSITORY: &str = "sendgrid/rest";

/// Body and payload of an event's webhook; its signature is right.
fn payload(told: &Value) -> Value {
    let body = told["body"].as_str().unwrap();
    let signature = simulators::sign(simulators::GITHUB_WEBHOOK_SECRET, body.as_bytes());
    assert_eq!(told["headers"]["X-Hub-Signature-256"], signature);
    assert_eq!(told["headers"]["X-GitHub-Event"], told["event"]);
    assert_eq!(told["headers"]["X-GitHub-Delivery"], told["delivery"]);
    let payload: Value = serde_json::from_str(body).unwrap();
    assert_eq!(payload["repository"]["full_name"], REPOSITORY);
    assert!(payload["sender"]["login"].is_string());
    payload
}

async fn open(simulators: &Simulators, kind: &str) -> (i64, Value) {
    let event = json!({"repository": REPOSITORY, "action": "opened", "kind": kind, "title": "<b>ü</b>", "labels": ["type: bug"]});
    let told = simulators.happens(event).await;
    let payload = payload(&told);
    let object = if kind == "issue" { "issue" } else { "pull_request" };
    (payload[object]["number"].as_i64().unwrap(), told)
}

async fn happens(simulators: &Simulators, number: i64, action: &str, more: Value) -> (String, Value) {
    let mut event = json!({"repository": REPOSITORY, "number": number, "action": action});
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let told = simulators.happens(event).await;
    (told["event"].as_str().unwrap().to_owned(), payload(&told))
}

#[tokio::test]
async fn the_life_of_an_issue_is_told_and_can_be_asked_for() {
    let simulators = Simulators::start().await;
    let (number, told) = open(&simulators, "issue").await;
    assert_eq!(told["event"], "issues");
    let opened = payload(&told)["issue"].take();
    assert_eq!((&opened["title"], &opened["state"]), (&json!("<b>ü</b>"), &json!("open")));
    assert_eq!(
        (&opened["user"]["type"], &opened["labels"][0]["name"]),
        (&json!("User"), &json!("type: bug"))
    );
    assert_eq!((&opened["comments"], &opened["reactions"]["total_count"]), (&json!(0), &json!(0)));
    assert_eq!(opened["created_at"], simulators::NOW);

    let (event, told) =
        happens(&simulators, number, "commented", json!({"author": "dependabot[bot]", "body": "Hi"})).await;
    assert_eq!((event.as_str(), &told["action"]), ("issue_comment", &json!("created")));
    assert_eq!(
        (&told["comment"]["user"]["login"], &told["comment"]["user"]["type"]),
        (&json!("dependabot[bot]"), &json!("Bot"))
    );
    assert_eq!(
        (&told["comment"]["created_at"], &told["issue"]["comments"]),
        (&json!("2019-07-15T00:00:01Z"), &json!(1))
    );
    assert!(told["issue"].get("pull_request").is_none());

    let (event, told) = happens(&simulators, number, "edited", json!({"title": "New"})).await;
    assert_eq!((event.as_str(), &told["changes"]["title"]["from"]), ("issues", &json!("<b>ü</b>")));
    let (_, told) = happens(&simulators, number, "labeled", json!({"label": "type: security"})).await;
    assert_eq!((&told["action"], &told["label"]["name"]), (&json!("labeled"), &json!("type: security")));
    let (_, told) = happens(&simulators, number, "unlabeled", json!({"label": "type: bug"})).await;
    assert_eq!(told["issue"]["labels"].as_array().unwrap().len(), 1);
    let (_, told) = happens(&simulators, number, "closed", json!({"at": "2019-08-01T12:00:00.75Z"})).await;
    assert_eq!(
        (&told["issue"]["state"], &told["issue"]["closed_at"]),
        (&json!("closed"), &json!("2019-08-01T12:00:00Z"))
    );
    let (_, told) = happens(&simulators, number, "reopened", json!({})).await;
    assert_eq!((&told["action"], &told["issue"]["closed_at"]), (&json!("reopened"), &json!(null)));
    let (event, told) = happens(&simulators, number, "comment_deleted", json!({})).await;
    assert_eq!(
        (event.as_str(), &told["action"], &told["issue"]["comments"]),
        ("issue_comment", &json!("deleted"), &json!(0))
    );

    let query = format!(
        r#"{{repository(owner: "sendgrid", name: "rest") {{issue(number: {number}) {{
            id title state updatedAt labels(first: 9) {{nodes {{name}}}} comments {{totalCount}}
            timelineItems(first: 9) {{nodes {{__typename}}}}}}}}}}"#
    );
    let issue = simulators.ask(&query, &json!({})).await["repository"]["issue"].take();
    let expected = json!({
        "id": opened["node_id"], "title": "New", "state": "OPEN", "updatedAt": told["issue"]["updated_at"],
        "labels": {"nodes": [{"name": "type: security"}]}, "comments": {"totalCount": 0},
        "timelineItems": {"nodes": [{"__typename": "ClosedEvent"}, {"__typename": "ReopenedEvent"}]},
    });
    assert_eq!(issue, expected);
}

#[tokio::test]
async fn the_life_of_a_pull_request_is_told_and_can_be_asked_for() {
    let simulators = Simulators::start().await;
    let (number, told) = open(&simulators, "pull_request").await;
    assert_eq!(told["event"], "pull_request");
    let opened = payload(&told);
    assert_eq!((&opened["number"], &opened["pull_request"]["merged"]), (&json!(number), &json!(false)));
    assert!(opened["pull_request"].get("reactions").is_none());

    let (event, told) = happens(&simulators, number, "commented", json!({"author": "ghost"})).await;
    assert_eq!((event.as_str(), &told["comment"]["user"]["login"]), ("issue_comment", &json!("ghost")));
    assert_eq!(told["issue"]["pull_request"]["merged_at"], Value::Null);
    let reviewer = simulators::maintainers()[1];
    let (event, told) =
        happens(&simulators, number, "reviewed", json!({"review": "approved", "author": reviewer})).await;
    assert_eq!((event.as_str(), &told["action"]), ("pull_request_review", &json!("submitted")));
    assert_eq!(
        (&told["review"]["state"], &told["review"]["user"]["login"]),
        (&json!("approved"), &json!(reviewer))
    );
    let (event, told) = happens(&simulators, number, "merged", json!({})).await;
    assert_eq!((event.as_str(), &told["action"]), ("pull_request", &json!("closed")));
    let merged = &told["pull_request"];
    assert_eq!((&merged["merged"], &merged["state"]), (&json!(true), &json!("closed")));
    assert_eq!(
        (&merged["merged_by"]["login"], &merged["merged_at"]),
        (&told["sender"]["login"], &merged["closed_at"])
    );

    let query = format!(
        r#"{{repository(owner: "sendgrid", name: "rest") {{pullRequest(number: {number}) {{
            state merged mergedAt comments(first: 1) {{nodes {{author {{login}}}}}} reviews(first: 9) {{nodes {{state author {{login}}}}}}
            timelineItems(first: 9) {{nodes {{__typename}}}}}}}}}}"#
    );
    let asked = simulators.ask(&query, &json!({})).await["repository"]["pullRequest"].take();
    let expected = json!({
        "state": "MERGED", "merged": true, "mergedAt": merged["merged_at"],
        "comments": {"nodes": [{"author": null}]},
        "reviews": {"nodes": [{"state": "APPROVED", "author": {"login": reviewer}}]},
        "timelineItems": {"nodes": [{"__typename": "MergedEvent"}, {"__typename": "ClosedEvent"}]},
    });
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn what_cannot_happen_is_refused_and_changes_nothing() {
    let simulators = Simulators::start().await;
    let (number, _) = open(&simulators, "issue").await;
    for (event, status) in [
        (json!({"repository": "no/where", "action": "opened"}), 404),
        (json!({"repository": REPOSITORY, "action": "closed", "number": 999_999}), 404),
        (json!({"repository": REPOSITORY, "action": "closed"}), 422),
        (json!({"repository": REPOSITORY, "action": "opened", "number": number}), 409),
        (json!({"repository": REPOSITORY, "action": "opened", "number": 0}), 422),
        (json!({"repository": REPOSITORY, "action": "opened", "author": "not a login"}), 422),
        (json!({"repository": REPOSITORY, "action": "edited", "number": number}), 422),
        (json!({"repository": REPOSITORY, "action": "labeled", "number": number}), 422),
        (json!({"repository": REPOSITORY, "action": "labeled", "number": number, "label": "type: bug"}), 409),
        (json!({"repository": REPOSITORY, "action": "unlabeled", "number": number, "label": "none"}), 409),
        (json!({"repository": REPOSITORY, "action": "reopened", "number": number}), 409),
        (json!({"repository": REPOSITORY, "action": "comment_deleted", "number": number}), 409),
        (json!({"repository": REPOSITORY, "action": "merged", "number": number}), 422),
        (
            json!({"repository": REPOSITORY, "action": "commented", "number": number, "at": "2019-01-01T00:00:00Z"}),
            422,
        ),
        (json!({"repository": REPOSITORY, "action": "opened", "deliver_to": "ftp://example.org"}), 422),
        (json!({"repository": REPOSITORY, "action": "opened", "times": 0}), 422),
    ] {
        let (answered, body) = simulators.control(Method::POST, "github/events", &event).await;
        assert_eq!(answered, status, "{event}: {body}");
        assert!(body["error"].is_string(), "{body}");
    }
    let query = format!(
        r#"{{repository(owner: "sendgrid", name: "rest") {{issue(number: {number}) {{state updatedAt}}}}}}"#
    );
    let issue = simulators.ask(&query, &json!({})).await["repository"]["issue"].take();
    assert_eq!(issue, json!({"state": "OPEN", "updatedAt": simulators::NOW}));
}

type Received = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// A receiver of webhooks that answers 202.
async fn receiver() -> (String, Received) {
    let received = Received::default();
    let router = Router::new()
        .route(
            "/webhooks/github",
            post(|State(received): State<Received>, headers: HeaderMap, body: Bytes| async move {
                received.lock().unwrap().push((headers, body));
                reqwest::StatusCode::ACCEPTED
            }),
        )
        .with_state(received.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhooks/github", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, received)
}

#[tokio::test]
async fn a_webhook_is_delivered_so_often_with_one_id_and_the_right_signature() {
    let simulators = Simulators::start().await;
    let (url, received) = receiver().await;
    let event = json!({"repository": REPOSITORY, "action": "opened", "deliver_to": url, "times": 8});
    let told = simulators.happens(event).await;
    assert_eq!(told["answers"], json!([202, 202, 202, 202, 202, 202, 202, 202]));
    let received = received.lock().unwrap();
    assert_eq!(received.len(), 8);
    for (headers, body) in received.iter() {
        assert_eq!(headers["x-github-delivery"], told["delivery"].as_str().unwrap());
        assert_eq!(headers["x-hub-signature-256"], simulators::sign(simulators::GITHUB_WEBHOOK_SECRET, body));
        assert_eq!(
            (&headers["x-github-event"], &headers["content-type"]),
            (&"issues".parse().unwrap(), &"application/json".parse().unwrap())
        );
        assert!(headers["user-agent"].to_str().unwrap().starts_with("GitHub-Hookshot/"));
    }
}

#[tokio::test]
async fn anything_can_be_sent_signed_with_the_right_or_a_wrong_secret() {
    let simulators = Simulators::start().await;
    let (url, received) = receiver().await;
    let parcel = json!({"url": url, "event": "ping", "payload": {"zen": "Keep it logically awesome."}, "delivery": "d1"});
    let (status, told) = simulators.control(Method::POST, "github/deliver", &parcel).await;
    assert_eq!((status.as_u16(), &told["answers"], &told["delivery"]), (200, &json!([202]), &json!("d1")));
    let raw = json!({"url": url, "event": "issues", "payload": "no json", "secret": "wrong"});
    simulators.control(Method::POST, "github/deliver", &raw).await;
    {
        let received = received.lock().unwrap();
        assert_eq!(received[1].1, "no json");
        assert_eq!(received[1].0["x-hub-signature-256"], simulators::sign("wrong", b"no json"));
    }
    let nobody = json!({"url": "http://127.0.0.1:9/", "event": "ping", "payload": {}});
    let (_, told) = simulators.control(Method::POST, "github/deliver", &nobody).await;
    assert_eq!(told["answers"], json!([null]));
}
