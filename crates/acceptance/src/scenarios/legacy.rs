//! What the clients of the tutorial ask still has its answer.

use serde_json::{Value, json};

use crate::{App, eventually, scenario::scenarios};

scenarios![
    imported:
    a_ping_is_answered,
    open_items_of_a_repository_are_listed_newest_first,
    a_repository_may_be_named_without_its_owner_in_any_case,
    an_old_route_says_what_is_wrong,
    old_routes_are_described_as_deprecated;
    a_short_name_of_two_owners_is_not_guessed,
    old_clients_still_send_mails_and_text_messages,
    an_old_body_is_checked_under_its_old_names
];

async fn a_ping_is_answered(app: &App) {
    let answer = app.get("/ping").await.is(200);
    assert_eq!(answer.body, json!({ "status": "success", "message": "pong!" }));
}

async fn open_items_of_a_repository_are_listed_newest_first(app: &App) {
    for (path, kind) in [("/github/issues", "issue"), ("/github/prs", "pull_request")] {
        let old = app.get(&format!("{path}?repo=sendgrid/rest")).await.is(200);
        let new = app.all(&format!("/api/items?repository=sendgrid/rest&state=open&kind={kind}")).await;
        let entry =
            |item: &Value| json!({ "number": item["number"], "url": item["url"], "title": item["title"] });
        assert!(new.len() > 2, "too few to have an order");
        assert_eq!(old.body, new.iter().map(entry).collect::<Value>(), "{path}");
    }
}

async fn a_repository_may_be_named_without_its_owner_in_any_case(app: &App) {
    let whole = app.get("/github/issues?repo=sendgrid/python-http-client").await.is(200);
    for name in ["python-http-client", "Python-HTTP-Client", "SendGrid/Python-http-client"] {
        assert_eq!(app.get(&format!("/github/issues?repo={name}")).await.is(200).body, whole.body, "{name}");
    }
}

async fn an_old_route_says_what_is_wrong(app: &App) {
    for path in ["/github/issues", "/github/prs"] {
        for missing in ["", "?repo=", "?repository=rest"] {
            assert_eq!(app.get(&format!("{path}{missing}")).await.is(422).fields(), ["repo"], "{missing}");
        }
        for unknown in ["nothing", "nobody/rest", "sendgrid%2F", "rest%00"] {
            let answer = app.get(&format!("{path}?repo={unknown}")).await.is(404);
            assert_eq!(answer["type"], "urn:automator:not-found", "{unknown}");
        }
    }
}

async fn old_routes_are_described_as_deprecated(app: &App) {
    let document = app.get("/openapi.json").await.is(200);
    for (path, method) in [
        ("/ping", "get"),
        ("/github/issues", "get"),
        ("/github/prs", "get"),
        ("/email", "post"),
        ("/sms", "post"),
    ] {
        assert_eq!(document["paths"][path][method]["deprecated"], true, "{path}");
    }
    assert_eq!(document["paths"]["/api/items"]["get"]["deprecated"], Value::Null);
}

async fn a_short_name_of_two_owners_is_not_guessed(app: &App) {
    let repository =
        |name: &str| format!("[[repository]]\nname = \"{name}\"\nlanguage = \"go\"\nreach = 1\n");
    app.track(&[repository("sendgrid/rest"), repository("another/rest")].concat());
    assert_eq!(app.get("/github/issues?repo=rest").await.is(422).fields(), ["repo"]);
    let _ = app.get("/github/issues?repo=another/rest").await.is(200);
}

async fn old_clients_still_send_mails_and_text_messages(app: &App) {
    let mail = json!({
        "from_email": "team@example.com", "to_email": "mona@example.com", "subject": "Hello", "content": "from 2019"
    });
    let queued = app.post("/email", &mail).await.is(202);
    assert!(queued.header("location").is_some_and(|place| place.starts_with("/api/notifications/")));
    let text = json!({ "from_number": "+15005550006", "to_number": "+15551234567", "body": "from 2019" });
    let _ = app.post("/sms", &text).await.is(202);
    let sent = |service: &'static str| {
        eventually("it is sent", async move || app.simulators().taken(service).await.into_iter().next())
    };
    let mail = sent("sendgrid").await;
    assert_eq!(mail["fields"]["from"]["email"], "team@example.com");
    assert_eq!(mail["fields"]["content"][0]["value"], "from 2019");
    let text = sent("twilio").await;
    let expected = json!({ "From": "+15005550006", "To": "+15551234567", "Body": "from 2019" });
    assert_eq!(text["fields"], expected);
    for path in ["/email", "/sms"] {
        let _ = app.post(path, &json!({})).without("authorization").await.is(401);
    }
}

async fn an_old_body_is_checked_under_its_old_names(app: &App) {
    let mail = json!({ "from_email": "x", "to_email": "y", "subject": "", "content": "" });
    let answer = app.post("/email", &mail).await.is(422);
    assert_eq!(answer.fields(), ["from_email", "to_email", "subject", "content"]);
    let text = json!({ "from_number": "1", "to_number": "2", "body": "" });
    let answer = app.post("/sms", &text).await.is(422);
    assert_eq!(answer.fields(), ["from_number", "to_number", "body"]);
    assert_eq!(app.post("/sms", &json!({})).await.is(422).fields().len(), 1);
}
