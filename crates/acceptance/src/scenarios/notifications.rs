//! Messages: queued at once, sent soon, whatever the providers do.

use serde_json::{Value, json};

use crate::{Answer, App, eventually, scenario::scenarios, snapshot};

scenarios![
    a_mail_and_a_text_message_are_sent,
    a_provider_that_fails_for_a_while_costs_nobody_a_message,
    a_provider_that_is_down_does_not_hold_up_the_other,
    a_refused_message_fails_with_the_reason,
    every_wrong_field_of_a_notification_is_named,
    what_is_queued_outlives_a_power_cut
];

fn mail(to: &str) -> Value {
    json!({ "channel": "email", "to": to, "subject": "Somebody waits", "body": "Since \"Monday\".\nPlease look." })
}

fn text(to: &str) -> Value {
    json!({ "channel": "sms", "to": to, "body": "Somebody waits & waits" })
}

/// Queues a message; where to ask for it.
async fn queued(app: &App, message: &Value) -> String {
    let answer = app.post("/api/notifications", message).await.is(202);
    assert_eq!(answer["status"], "queued");
    answer.header("location").expect("a message has a place").to_owned()
}

/// The message, once it has this status.
async fn ended(app: &App, path: &str, status: &str) -> Answer {
    eventually(&format!("{path} is {status}"), async || {
        let message = app.get(path).await.is(200);
        (message["status"] == status).then_some(message)
    })
    .await
}

async fn a_mail_and_a_text_message_are_sent(app: &App) {
    let mail = queued(app, &mail("mona@example.com")).await;
    let text = queued(app, &text("+15551234567")).await;
    let sent = ended(app, &mail, "sent").await;
    snapshot("notification_sent", &sent.to_json(), &[".body.id", ".body.created_at", ".body.updated_at"]);
    let _ = ended(app, &text, "sent").await;

    let mails = app.simulators().taken("sendgrid").await;
    let [mail] = &mails[..] else { panic!("expected one mail: {mails:?}") };
    let fields = &mail["fields"];
    assert_eq!(fields["personalizations"][0]["to"], json!([{ "email": "mona@example.com" }]));
    assert_eq!(fields["content"][0]["value"], "Since \"Monday\".\nPlease look.");
    assert_eq!(fields["from"]["email"], "automator@example.com");
    let texts = app.simulators().taken("twilio").await;
    let [text] = &texts[..] else { panic!("expected one text message: {texts:?}") };
    let expected = json!({ "To": "+15551234567", "From": "+15005550006", "Body": "Somebody waits & waits" });
    assert_eq!(text["fields"], expected);
    let _ = app.get("/api/notifications/01890000-0000-7000-8000-000000000000").await.is(404);
}

async fn a_provider_that_fails_for_a_while_costs_nobody_a_message(app: &App) {
    let faults = [
        // Over when its time is up, met or not: so it comes first.
        json!({ "service": "sendgrid", "kind": "rate_limit", "reset_after_seconds": 3 }),
        json!({ "service": "sendgrid", "kind": "status", "status": 503 }),
        json!({ "service": "sendgrid", "kind": "status", "status": 401 }),
    ];
    for fault in faults {
        let _ = app.simulators().fault(&fault).await.is(201);
    }
    let path = queued(app, &mail("mona@example.com")).await;
    let waits = eventually("an attempt has failed", async || {
        let message = app.get(&path).await.is(200);
        (message["attempts"].as_i64() > Some(0)).then_some(message)
    })
    .await;
    assert_eq!(waits["status"], "queued");
    assert!(waits["reason"].as_str().is_some_and(|reason| reason.contains("429")), "{waits}");
    let sent = ended(app, &path, "sent").await;
    assert_eq!((&sent["reason"], &sent["attempts"]), (&Value::Null, &json!(4)));
    assert_eq!(app.simulators().taken("sendgrid").await.len(), 1);
}

async fn a_provider_that_is_down_does_not_hold_up_the_other(app: &App) {
    let hangs = json!({ "service": "sendgrid", "kind": "delay", "delay_ms": 60_000, "times": null });
    let _ = app.simulators().fault(&hangs).await.is(201);
    let mut mails = Vec::new();
    for n in 0..12 {
        mails.push(queued(app, &mail(&format!("member-{n}@example.com"))).await);
    }
    let text = queued(app, &text("+15551234567")).await;
    let _ = ended(app, &text, "sent").await;
    // It did not even wait for the first of them to be given up for now.
    for mail in &mails {
        let mail = app.get(mail).await.is(200);
        assert_eq!((&mail["status"], &mail["attempts"]), (&json!("queued"), &json!(0)), "{mail}");
    }
}

async fn a_refused_message_fails_with_the_reason(app: &App) {
    // The magic number of Twilio's test credentials that has unsubscribed.
    let path = queued(app, &text("+15005550004")).await;
    let failed = ended(app, &path, "failed").await;
    let reason = failed["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("unsubscribed") && reason.contains("21610"), "{reason}");
    assert_eq!(failed["attempts"], 1, "asking again would change nothing");
}

async fn every_wrong_field_of_a_notification_is_named(app: &App) {
    let refused = async |body: Value| {
        let answer = app.post("/api/notifications", &body).await.is(422);
        answer.fields().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        refused(json!({ "channel": "email", "to": "x", "body": "" })).await,
        ["to", "subject", "body"]
    );
    let long = json!({ "channel": "sms", "to": "+15551234567", "subject": "x", "body": "x".repeat(1_601) });
    assert_eq!(refused(long).await, ["subject", "body"]);
    assert_eq!(refused(json!({ "channel": "pigeon", "to": "x", "body": "x" })).await, ["channel"]);
    assert_eq!(refused(json!({ "channel": "sms", "to": "+15551234567" })).await, ["body"]);
    let injected =
        json!({ "channel": "email", "to": "a@b.c\nBcc: d@e.f", "subject": "a\r\nBcc: d@e.f", "body": "x" });
    assert_eq!(refused(injected).await, ["to", "subject"]);
    let unsigned = app.post("/api/notifications", &mail("mona@example.com")).without("authorization");
    let _ = unsigned.await.is(401);
    assert!(app.simulators().taken("sendgrid").await.is_empty());
}

async fn what_is_queued_outlives_a_power_cut(app: &App) {
    let down = json!({ "service": "sendgrid", "kind": "status", "status": 500, "times": null });
    let _ = app.simulators().fault(&down).await.is(201);
    let mut paths = Vec::new();
    for n in 0..10 {
        paths.push(queued(app, &mail(&format!("member-{n}@example.com"))).await);
    }
    app.power_cut();
    let _ = app.simulators().heal().await;
    for path in &paths {
        let _ = ended(app, path, "sent").await;
    }
    assert_eq!(app.simulators().taken("sendgrid").await.len(), paths.len());
}
