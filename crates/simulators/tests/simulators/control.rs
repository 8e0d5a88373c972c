//! Recording and failing on demand.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::Simulators;

const ASK: &str = "{viewer {login}}";

#[tokio::test]
async fn calls_are_recorded_in_order_and_forgotten_when_told() {
    let simulators = Simulators::start().await;
    simulators.ask(ASK, &json!({})).await;
    simulators.request(Method::POST, "/graphql?x=1").send().await.unwrap();
    let calls = simulators.calls("github").await;
    let seen: Vec<_> =
        calls.iter().map(|call| (call["path"].as_str().unwrap(), call["status"].as_i64())).collect();
    assert_eq!(seen, [("/graphql", Some(200)), ("/graphql?x=1", Some(401))]);
    assert_eq!(calls[0]["fields"]["query"], ASK);
    assert!(!calls[0].to_string().contains(simulators::GITHUB_TOKEN));
    assert!(simulators.calls("twilio").await.is_empty());
    let (status, _) = simulators.control(Method::DELETE, "calls", &json!(null)).await;
    assert_eq!((status.as_u16(), simulators.calls("github").await.len()), (204, 0));
}

#[tokio::test]
async fn a_status_happens_so_often_after_so_many_and_only_to_its_service() {
    let simulators = Simulators::start().await;
    simulators
        .fault(json!({"service": "github", "kind": "status", "status": 502, "skip": 1, "times": 2}))
        .await;
    simulators.fault(json!({"service": "sendgrid", "kind": "status", "status": 503})).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(simulators.graphql(ASK, &json!({})).send().await.unwrap().status().as_u16());
    }
    assert_eq!(seen, [200, 502, 502, 200]);
    let mail = simulators.request(Method::POST, "/v3/mail/send").send().await.unwrap();
    assert_eq!(mail.status(), 503);
    assert!(mail.json::<Value>().await.unwrap()["errors"][0]["message"].is_string());
    let faults: Vec<_> = simulators.calls("github").await.iter().map(|call| call["fault"].clone()).collect();
    assert_eq!(faults, [json!(null), json!("status"), json!("status"), json!(null)]);
}

#[tokio::test]
async fn a_rate_limit_lasts_until_its_reset_and_says_when_that_is() {
    let simulators = Simulators::start().await;
    let fault = json!({"service": "github", "kind": "rate_limit", "times": null, "reset_after_seconds": 2});
    simulators.fault(fault).await;
    let limited = simulators.graphql(ASK, &json!({})).send().await.unwrap();
    assert_eq!(
        (limited.status().as_u16(), &limited.headers()["x-ratelimit-remaining"]),
        (200, &"0".parse().unwrap())
    );
    let reset: i64 = limited.headers()["x-ratelimit-reset"].to_str().unwrap().parse().unwrap();
    assert!((0..=3).contains(&(reset - jiff::Timestamp::now().as_second())));
    let error = limited.json::<Value>().await.unwrap()["errors"][0].take();
    assert_eq!((&error["type"], &error["code"]), (&json!("RATE_LIMIT"), &json!("graphql_rate_limit")));
    tokio::time::sleep(Duration::from_millis(2100)).await;
    simulators.ask(ASK, &json!({})).await;
}

#[tokio::test]
async fn a_secondary_limit_is_a_403_that_says_how_long_to_wait() {
    let simulators = Simulators::start().await;
    simulators.fault(json!({"service": "github", "kind": "secondary_limit", "reset_after_seconds": 7})).await;
    let answer = simulators.graphql(ASK, &json!({})).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (403, &"7".parse().unwrap()));
    let body: Value = answer.json().await.unwrap();
    assert!(body["message"].as_str().unwrap().contains("secondary rate limit"));

    simulators.fault(json!({"service": "twilio", "kind": "rate_limit"})).await;
    let path = "/2010-04-01/Accounts/x/Messages.json";
    let answer = simulators.request(Method::POST, path).send().await.unwrap();
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.json::<Value>().await.unwrap()["code"], 20429);
}

#[tokio::test]
async fn a_secondary_limit_may_come_as_200_or_429_and_need_not_say_how_long_to_wait() {
    let simulators = Simulators::start().await;
    for status in [200, 403, 429] {
        let fault = json!({"service": "github", "kind": "secondary_limit", "status": status, "silent": true});
        simulators.fault(fault).await;
        let answer = simulators.graphql(ASK, &json!({})).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers().get("retry-after")), (status, None));
        assert_ne!(answer.headers()["x-ratelimit-remaining"], "0");
        let body: Value = answer.json().await.unwrap();
        let said = if status == 200 { &body["errors"][0] } else { &body };
        assert!(said["message"].as_str().unwrap().contains("secondary rate limit"), "{body}");
        assert!(said.get("type").is_none());
    }
}

#[tokio::test]
async fn a_timeout_is_a_200_with_an_error_that_has_no_type() {
    let simulators = Simulators::start().await;
    simulators.fault(json!({"service": "github", "kind": "timeout"})).await;
    let answer = simulators.graphql(ASK, &json!({})).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let body: Value = answer.json().await.unwrap();
    assert!(body["errors"][0]["message"].as_str().unwrap().starts_with("Something went wrong"), "{body}");
    assert!(body["errors"][0].get("type").is_none() && body["data"].is_null());
    simulators.ask(ASK, &json!({})).await;
}

#[tokio::test]
async fn a_delay_makes_the_right_answer_late() {
    let simulators = Simulators::start().await;
    simulators.fault(json!({"service": "github", "kind": "delay", "delay_ms": 1_500})).await;
    let start = Instant::now();
    simulators.ask(ASK, &json!({})).await;
    assert!(start.elapsed() >= Duration::from_millis(1_500));
    let start = Instant::now();
    simulators.ask(ASK, &json!({})).await;
    assert!(start.elapsed() < Duration::from_millis(1_500));
}

#[tokio::test]
async fn a_cut_ends_the_connection_within_the_body() {
    let simulators = Simulators::start().await;
    for after in [false, true] {
        simulators.fault(json!({"service": "github", "kind": "cut", "after": after})).await;
        let mut answer = simulators.graphql(ASK, &json!({})).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let promised = answer.content_length().unwrap();
        let first = answer.chunk().await.unwrap().unwrap();
        assert!(!first.is_empty() && (first.len() as u64) < promised);
        assert!(answer.chunk().await.is_err());
    }
    simulators.ask(ASK, &json!({})).await;
}

#[tokio::test]
async fn malformed_is_a_200_that_is_no_json() {
    let simulators = Simulators::start().await;
    for after in [false, true] {
        simulators.fault(json!({"service": "github", "kind": "malformed", "after": after})).await;
        let answer = simulators.graphql(ASK, &json!({})).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let body = answer.text().await.unwrap();
        assert!(!body.is_empty() && serde_json::from_str::<Value>(&body).is_err(), "{body}");
    }
}

#[tokio::test]
async fn a_failure_after_the_effect_leaves_the_effect_and_one_before_it_does_not() {
    let simulators = Simulators::start().await;
    let find = r#"{repository(owner: "sendgrid", name: "rest") {issues(first: 1) {nodes {id comments {totalCount}}}}}"#;
    let issue = simulators.ask(find, &json!({})).await["repository"]["issues"]["nodes"][0].take();
    let mutation = "mutation($id: ID!) {addComment(input: {subjectId: $id, body: \"b\"}) {subject {id}}}";
    for after in [false, true] {
        let fault = json!({"service": "github", "kind": "status", "status": 500, "contains": "addComment", "after": after});
        simulators.fault(fault).await;
        simulators.ask(ASK, &json!({})).await;
        let answer = simulators.graphql(mutation, &json!({"id": issue["id"]})).send().await.unwrap();
        assert_eq!(answer.status(), 500);
        let now = simulators.ask(find, &json!({})).await["repository"]["issues"]["nodes"][0].take();
        let more = now["comments"]["totalCount"].as_i64().unwrap()
            - issue["comments"]["totalCount"].as_i64().unwrap();
        assert_eq!(more, i64::from(after));
    }
}

#[tokio::test]
async fn a_timeline_tells_who_said_what_when() {
    let simulators = Simulators::start().await;
    let opened = json!({"repository": "sendgrid/rest", "action": "opened", "kind": "pull_request", "author": "ghost",
                        "at": "2019-07-16T00:00:00Z"});
    let told = simulators.happens(opened).await;
    let told: Value = serde_json::from_str(told["body"].as_str().unwrap()).unwrap();
    let number = &told["number"];
    for (action, author) in [("commented", "codecov[bot]"), ("reviewed", "helper"), ("closed", "helper")] {
        let event =
            json!({"repository": "sendgrid/rest", "action": action, "number": number, "author": author});
        simulators.happens(event).await;
    }
    let path = "github/timeline?repository=sendgrid/rest";
    let (_, body) = simulators.control(Method::GET, path, &json!(null)).await;
    let item = body["items"].as_array().unwrap().iter().find(|item| &item["number"] == number).unwrap();
    assert_eq!(item["state"], "closed");
    assert_eq!(
        item["entries"],
        json!([
            {"entry": "opened", "actor": "ghost", "bot": false, "at": "2019-07-16T00:00:00Z"},
            {"entry": "comment", "actor": "codecov", "bot": true, "at": "2019-07-16T00:00:01Z"},
            {"entry": "review", "actor": "helper", "bot": false, "at": "2019-07-16T00:00:02Z"},
        ])
    );
    let (status, _) = simulators.control(Method::GET, "github/timeline?repository=no/no", &json!(null)).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn faults_are_listed_and_cleared_and_wrong_input_is_explained() {
    let simulators = Simulators::start().await;
    simulators.fault(json!({"service": "github", "kind": "cut", "times": null})).await;
    let (_, body) = simulators.control(Method::GET, "faults", &json!(null)).await;
    assert_eq!(body["faults"][0]["kind"], "cut");
    simulators.control(Method::DELETE, "faults", &json!(null)).await;
    simulators.ask(ASK, &json!({})).await;

    for (method, path, body, status, word) in [
        (Method::POST, "faults", json!({"service": "github", "kind": "explode"}), 400, "explode"),
        (Method::POST, "faults", json!({"service": "github", "kind": "cut", "often": 1}), 400, "often"),
        (Method::POST, "faults", json!({"service": "github", "kind": "status", "status": 99}), 422, "status"),
        (Method::GET, "calls?service=gitlab", json!(null), 400, "gitlab"),
        (Method::POST, "github/events", json!({"repository": "sendgrid/rest"}), 400, "action"),
        (
            Method::POST,
            "github/deliver",
            json!({"url": "nowhere", "event": "ping", "payload": {}}),
            422,
            "nowhere",
        ),
    ] {
        let (answered, answer) = simulators.control(method, path, &body).await;
        assert_eq!(answered, status, "{answer}");
        assert!(answer["error"].as_str().unwrap().contains(word), "{answer}");
    }
}

#[tokio::test]
async fn no_page_of_another_site_steers_them() {
    let simulators = Simulators::start().await;
    let event = json!({"repository": "sendgrid/rest", "action": "opened"});
    let host = simulators.url.strip_prefix("http://").unwrap().to_owned();
    for (headers, status) in [
        (&[][..], 200),
        (&[("origin", simulators.url.as_str()), ("sec-fetch-site", "same-origin")], 200),
        (&[("host", "simulators:9000")], 200),
        (&[("origin", "https://evil.example")], 403),
        (&[("origin", "null")], 403),
        (&[("sec-fetch-site", "cross-site")], 403),
        // A name of the attacker's that leads here makes page and request of one origin.
        (&[("host", "evil.example"), ("origin", "http://evil.example")], 403),
    ] {
        for path in ["github/events", "faults"] {
            let body =
                if path == "faults" { json!({"service": "twilio", "kind": "cut"}) } else { event.clone() };
            let mut request = simulators.request(Method::POST, &format!("/control/{path}")).json(&body);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let answer = request.send().await.unwrap();
            let expected = if status == 200 && path == "faults" { 201 } else { status };
            assert_eq!(answer.status().as_u16(), expected, "{path} {headers:?} at {host}");
            assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        }
    }
    let calls = simulators
        .request(Method::GET, "/control/calls")
        .header("host", "evil.example")
        .send()
        .await
        .unwrap();
    assert_eq!(calls.status(), 403, "what was sent is nobody else's to read");
}

#[tokio::test]
async fn nobody_far_away_gets_a_signed_webhook() {
    let simulators = Simulators::start().await;
    for url in
        ["https://example.org/", "http://169.254.169.254/latest", "http://10.0.0.1/", "http://gateway:8080/"]
    {
        let parcel = json!({"url": url, "event": "ping", "payload": {}});
        let (status, body) = simulators.control(Method::POST, "github/deliver", &parcel).await;
        assert_eq!(status, 422, "{url}: {body}");
        let event = json!({"repository": "sendgrid/rest", "action": "opened", "deliver_to": url});
        let (status, body) = simulators.control(Method::POST, "github/events", &event).await;
        assert_eq!(status, 422, "{url}: {body}");
    }
}

#[tokio::test]
async fn a_page_that_is_too_much_is_refused_and_a_smaller_one_is_answered() {
    let simulators = Simulators::start().await;
    let list = |first: i64| {
        format!(
            r#"{{repository(owner: "sendgrid", name: "rest") {{issues(first: {first}) {{nodes {{number}}}}}}}}"#
        )
    };
    let ask = async |first| simulators.graphql(&list(first), &json!({})).send().await.unwrap();
    simulators.fault(json!({"service": "github", "kind": "heavy", "items": 10, "times": null})).await;
    let body: Value = ask(11).await.json().await.unwrap();
    assert_eq!(
        (&body["data"], &body["errors"][0]["type"]),
        (&json!({"repository": null}), &json!("RESOURCE_LIMITS_EXCEEDED"))
    );
    assert_eq!(
        ask(10).await.json::<Value>().await.unwrap()["data"]["repository"]["issues"]["nodes"]
            .as_array()
            .unwrap()
            .len(),
        10
    );

    let _ = simulators.control(Method::DELETE, "faults", &json!(null)).await;
    simulators
        .fault(json!({"service": "github", "kind": "heavy", "items": 10, "status": 502, "times": null}))
        .await;
    assert_eq!((ask(11).await.status().as_u16(), ask(10).await.status().as_u16()), (502, 200));
}

#[tokio::test]
async fn a_field_that_is_not_shown_is_null_or_takes_its_item_with_it() {
    let simulators = Simulators::start().await;
    let event =
        json!({"repository": "sendgrid/rest", "action": "opened", "number": 90_001, "labels": ["bug"]});
    let _ = simulators.happens(event).await;
    let query = r#"{repository(owner: "sendgrid", name: "rest") {
        issues(first: 1, orderBy: {field: CREATED_AT, direction: DESC}) {nodes {number labels(first: 1) {nodes {name}} comments(first: 1) {totalCount}}}}}"#;
    for (field, expected) in [
        ("labels", json!({"number": 90_001, "labels": null, "comments": {"totalCount": 0}})),
        ("comments", json!(null)),
    ] {
        simulators
            .fault(json!({"service": "github", "kind": "forbidden", "field": field, "number": 90_001}))
            .await;
        let body = simulators.ask_in_vain(query).await;
        assert_eq!(body["data"]["repository"]["issues"]["nodes"], json!([expected]), "{body}");
        let path = json!(["repository", "issues", "nodes", 0, field]);
        assert_eq!((&body["errors"][0]["type"], &body["errors"][0]["path"]), (&json!("FORBIDDEN"), &path));
    }
}

#[tokio::test]
async fn what_was_taken_away_is_told_and_not_there_any_more() {
    let simulators = Simulators::start().await;
    for action in ["deleted", "transferred"] {
        let opened = simulators.happens(json!({"repository": "sendgrid/rest", "action": "opened"})).await;
        let opened: Value = serde_json::from_str(opened["body"].as_str().unwrap()).unwrap();
        let (number, id) = (&opened["issue"]["number"], &opened["issue"]["node_id"]);
        let told = simulators
            .happens(json!({"repository": "sendgrid/rest", "action": action, "number": number}))
            .await;
        let told: Value = serde_json::from_str(told["body"].as_str().unwrap()).unwrap();
        assert_eq!((&told["action"], &told["issue"]["number"]), (&json!(action), number));
        let body = simulators.ask_in_vain(&format!("{{node(id: {id}) {{id}}}}")).await;
        assert_eq!(body["data"]["node"], json!(null), "{body}");
    }
    let pull =
        json!({"repository": "sendgrid/rest", "action": "opened", "kind": "pull_request", "number": 90_001});
    let _ = simulators.happens(pull).await;
    let deleted = json!({"repository": "sendgrid/rest", "action": "deleted", "number": 90_001});
    assert_eq!(simulators.control(Method::POST, "github/events", &deleted).await.0, 422);
}
