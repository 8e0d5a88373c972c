//! The simulated SendGrid: `POST /v3/mail/send` with its checks and error bodies.

use axum::{
    body::Bytes,
    extract::State as Shared,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::State;

const HELP: &str = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html";

/// One entry of `errors`.
type Problem = (&'static str, Option<String>, Option<&'static str>);

/// `POST /v3/mail/send`: 202 with an empty body and `X-Message-Id`; 401 on a wrong key, 400 with
/// every field that is wrong.
pub(crate) async fn send(Shared(state): Shared<State>, headers: HeaderMap, body: Bytes) -> Response {
    let expected = format!("Bearer {}", state.options().sendgrid_api_key);
    match headers.get(header::AUTHORIZATION) {
        None => return unauthorized("Permission denied, wrong credentials"),
        Some(given) if given.as_bytes() != expected.as_bytes() => {
            return unauthorized("The provided authorization grant is invalid, expired, or revoked");
        }
        Some(_) => {}
    }
    let Ok(mail) = serde_json::from_slice::<Value>(&body) else {
        return errors(StatusCode::BAD_REQUEST, &[("Bad Request", None, None)]);
    };
    let problems = check(&mail);
    if !problems.is_empty() {
        return errors(StatusCode::BAD_REQUEST, &problems);
    }
    let mut response = StatusCode::ACCEPTED.into_response();
    // Base64 is a legal header value.
    if let Ok(id) = HeaderValue::from_str(&message_id(state.next_message())) {
        response.headers_mut().insert("x-message-id", id);
    }
    response
}

/// 22 characters as SendGrid's, made from a counter.
fn message_id(number: u64) -> String {
    let mut bytes = [0x5a; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn check(mail: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    check_recipients(mail, &mut problems);
    check_sender(mail, &mut problems);
    check_subject(mail, &mut problems);
    check_content(mail, &mut problems);
    problems
}

fn check_recipients(mail: &Value, problems: &mut Vec<Problem>) {
    let personalizations = mail["personalizations"].as_array().map_or(&[][..], Vec::as_slice);
    if personalizations.is_empty() {
        let message = "The personalizations field is required and must have at least one personalization.";
        problems.push((message, Some("personalizations".to_owned()), Some("-Personalizations-Errors")));
    }
    for (index, personalization) in personalizations.iter().enumerate() {
        let to = personalization["to"].as_array().map_or(&[][..], Vec::as_slice);
        if to.is_empty() {
            let message = "The to array is required for all personalization objects, and must have at least one email object with a valid email address.";
            problems.push((
                message,
                Some(format!("personalizations.{index}.to")),
                Some("message.personalizations.to"),
            ));
        }
        for (place, recipient) in to.iter().enumerate() {
            if !is_address(&recipient["email"]) {
                let field = format!("personalizations.{index}.to.{place}.email");
                problems.push((
                    "Does not contain a valid address.",
                    Some(field),
                    Some("message.personalizations.to"),
                ));
            }
        }
    }
}

fn check_sender(mail: &Value, problems: &mut Vec<Problem>) {
    if mail["from"]["email"].is_null() {
        let message = "The from object must be provided for every email send. It is an object that requires the email parameter, but may also contain a name parameter.  e.g. {\"email\" : \"example@example.com\"}  or {\"email\" : \"example@example.com\", \"name\" : \"Example Recipient\"}.";
        problems.push((message, Some("from.email".to_owned()), Some("message.from")));
    } else if !is_address(&mail["from"]["email"]) {
        let message = "The from email does not contain a valid address.";
        problems.push((message, Some("from.email".to_owned()), Some("message.from")));
    }
}

fn check_subject(mail: &Value, problems: &mut Vec<Problem>) {
    let has = |holder: &Value| holder["subject"].as_str().is_some_and(|subject| !subject.is_empty());
    let each_has =
        mail["personalizations"].as_array().is_some_and(|all| !all.is_empty() && all.iter().all(has));
    if !has(mail) && !each_has && mail["template_id"].is_null() {
        let message = "The subject is required. You can get around this requirement if you use a template with a subject defined or if every personalization has a subject defined.";
        problems.push((message, Some("subject".to_owned()), Some("message.subject")));
    }
}

fn check_content(mail: &Value, problems: &mut Vec<Problem>) {
    let content = mail["content"].as_array().map_or(&[][..], Vec::as_slice);
    if content.is_empty() && mail["template_id"].is_null() {
        let message = "Unless a valid template_id is provided, the content parameter is required. There must be at least one defined content block. We typically suggest both text/plain and text/html blocks are included, but only one block is required.";
        problems.push((message, Some("content".to_owned()), Some("message.content")));
    }
    for (index, block) in content.iter().enumerate() {
        if block["type"].as_str().is_none_or(str::is_empty) {
            let message =
                "The content type parameter is required and must be a string of at least one character.";
            problems.push((message, Some(format!("content.{index}.type")), Some("message.content.type")));
        }
        if block["value"].as_str().is_none_or(str::is_empty) {
            let message = "The content value must be a string at least one character in length.";
            problems.push((message, Some(format!("content.{index}.value")), Some("message.content.value")));
        }
    }
}

fn is_address(value: &Value) -> bool {
    value.as_str().and_then(|text| text.split_once('@')).is_some_and(|(local, host)| {
        !local.is_empty()
            && host.contains('.')
            && !host.starts_with('.')
            && !host.ends_with('.')
            && !host.contains('@')
            && !local.chars().chain(host.chars()).any(|c| c.is_whitespace() || c.is_control())
    })
}

fn errors(status: StatusCode, problems: &[Problem]) -> Response {
    let entry = |(message, field, help): &Problem| json!({"message": message, "field": field, "help": help.map(|anchor| format!("{HELP}#{anchor}"))});
    let body = json!({"errors": problems.iter().map(entry).collect::<Vec<_>>()});
    (status, axum::Json(body)).into_response()
}

fn unauthorized(message: &'static str) -> Response {
    errors(StatusCode::UNAUTHORIZED, &[(message, None, None)])
}

/// 429 with SendGrid's headers: `X-RateLimit-Reset` in seconds since 1970.
pub(crate) fn too_many(reset: Timestamp) -> Response {
    let mut response = errors(StatusCode::TOO_MANY_REQUESTS, &[("too many requests", None, None)]);
    let headers = response.headers_mut();
    headers.insert("x-ratelimit-limit", HeaderValue::from(600));
    headers.insert("x-ratelimit-remaining", HeaderValue::from(0));
    headers.insert("x-ratelimit-reset", HeaderValue::from(reset.as_second()));
    response
}

/// The body of a failed server.
pub(crate) fn failure(status: StatusCode) -> Response {
    errors(status, &[("Internal Server Error", None, None)])
}
