//! SendGrid and Twilio: their checks, their codes, what is recorded.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::Simulators;

fn mail() -> Value {
    json!({
        "personalizations": [{"to": [{"email": "someone@example.org"}]}],
        "from": {"email": "automator@example.com"},
        "subject": "Digest \"of today\"",
        "content": [{"type": "text/plain", "value": "Grüße"}],
    })
}

async fn send_mail(simulators: &Simulators, key: &str, mail: &Value) -> Response {
    simulators.request(Method::POST, "/v3/mail/send").bearer_auth(key).json(mail).send().await.unwrap()
}

#[tokio::test]
async fn a_right_mail_is_accepted_and_recorded_without_its_key() {
    let simulators = Simulators::start().await;
    let answer = send_mail(&simulators, simulators::SENDGRID_API_KEY, &mail()).await;
    assert_eq!(answer.status(), 202);
    assert!(answer.headers()["x-message-id"].len() > 10);
    assert_eq!(answer.text().await.unwrap(), "");

    let calls = simulators.calls("sendgrid").await;
    assert_eq!(calls.len(), 1);
    let call = &calls[0];
    assert_eq!((&call["fields"], &call["status"]), (&mail(), &json!(202)));
    assert_eq!((&call["method"], &call["path"]), (&json!("POST"), &json!("/v3/mail/send")));
    assert_eq!(call["headers"]["authorization"], "Bearer …");
    assert!(!call.to_string().contains(simulators::SENDGRID_API_KEY));
}

#[tokio::test]
async fn a_wrong_mail_is_refused_with_the_field_that_is_wrong() {
    let simulators = Simulators::start().await;
    let answer = send_mail(&simulators, "wrong", &mail()).await;
    assert_eq!(answer.status(), 401);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["errors"][0]["field"], Value::Null);

    for (pointer, value, field) in [
        ("/personalizations", json!([]), "personalizations"),
        ("/personalizations/0/to", json!([]), "personalizations.0.to"),
        ("/personalizations/0/to/0/email", json!("nobody"), "personalizations.0.to.0.email"),
        ("/from", json!({}), "from.email"),
        ("/from/email", json!("a b@example.com"), "from.email"),
        ("/subject", json!(""), "subject"),
        ("/content", json!([]), "content"),
        ("/content/0/value", json!(""), "content.0.value"),
    ] {
        let mut mail = mail();
        *mail.pointer_mut(pointer).unwrap() = value;
        let answer = send_mail(&simulators, simulators::SENDGRID_API_KEY, &mail).await;
        assert_eq!(answer.status(), 400, "{pointer}");
        let body: Value = answer.json().await.unwrap();
        let fields: Vec<_> = body["errors"].as_array().unwrap().iter().map(|e| e["field"].clone()).collect();
        assert_eq!(fields, [json!(field)], "{body}");
        assert!(body["errors"][0]["message"].is_string() && body["errors"][0]["help"].is_string());
    }
}

async fn send_text(simulators: &Simulators, form: &[(&str, &str)]) -> (u16, Value) {
    let path = format!("/2010-04-01/Accounts/{}/Messages.json", simulators::TWILIO_ACCOUNT_SID);
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let answer = simulators
        .request(Method::POST, &path)
        .basic_auth(simulators::TWILIO_ACCOUNT_SID, Some(simulators::TWILIO_AUTH_TOKEN))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_right_text_is_created_and_recorded_field_by_field() {
    let simulators = Simulators::start().await;
    let form = [("To", "+15551234567"), ("From", "+15557654321"), ("Body", "Security & more: 100 % ☎")];
    let (status, message) = send_text(&simulators, &form).await;
    assert_eq!(status, 201, "{message}");
    assert_eq!((&message["status"], &message["body"]), (&json!("queued"), &json!(form[2].1)));
    assert!(
        message["sid"].as_str().unwrap().starts_with("SM") && message["sid"].as_str().unwrap().len() == 34
    );
    let (_, another) = send_text(&simulators, &form).await;
    assert_ne!(message["sid"], another["sid"]);

    let calls = simulators.calls("twilio").await;
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0]["fields"], json!({"To": form[0].1, "From": form[1].1, "Body": form[2].1}));
    assert_eq!(calls[0]["headers"]["authorization"], "Basic …");
}

#[tokio::test]
async fn a_wrong_text_is_refused_with_twilios_code() {
    let simulators = Simulators::start().await;
    let long = "x".repeat(1601);
    let (to, from, body) = (("To", "+15551234567"), ("From", "+15557654321"), ("Body", "b"));
    for (form, code) in [
        (vec![from, body], 21604),
        (vec![to, body], 21603),
        (vec![to, from], 21602),
        (vec![("To", "555"), from, body], 21211),
        (vec![("To", "+15005550001"), from, body], 21211),
        (vec![("To", "+15005550009"), from, body], 21614),
        (vec![to, ("From", "+0"), body], 21212),
        (vec![to, from, ("Body", &long)], 21617),
    ] {
        let (status, error) = send_text(&simulators, &form).await;
        assert_eq!((status, &error["code"], &error["status"]), (400, &json!(code), &json!(400)), "{error}");
        assert!(error["message"].is_string() && error["more_info"].is_string());
    }
    let path = format!("/2010-04-01/Accounts/{}/Messages.json", simulators::TWILIO_ACCOUNT_SID);
    for request in [
        simulators.request(Method::POST, &path),
        simulators.request(Method::POST, &path).basic_auth(simulators::TWILIO_ACCOUNT_SID, Some("wrong")),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.json::<Value>().await.unwrap()["code"], 20003);
    }
}
