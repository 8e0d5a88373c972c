//! The tutorial's routes of 2019.

use serde_json::json;

use crate::{App, eventually, scenario::scenarios};

scenarios![old_clients_still_send_mails_and_text_messages, an_old_body_is_checked_under_its_old_names];

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
