//! The simulated Twilio: `POST /2010-04-01/Accounts/{sid}/Messages.json` with its checks and error bodies.
//!
//! The magic numbers of Twilio's test credentials work too: `To=+15005550001` is invalid, `…0002` cannot
//! be routed, `…0003` lacks permission, `…0004` is blocked, `…0009` cannot receive SMS.

use axum::{
    body::Bytes,
    extract::{Path, State as Shared},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::json;

use crate::State;

/// The longest text, in characters; longer ones are refused, not cut.
const LONGEST: usize = 1600;

/// `POST …/Messages.json`: 201 with the message, 401 on wrong credentials, 400 with Twilio's code.
pub(crate) async fn send(
    Shared(state): Shared<State>,
    Path(account): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let options = state.options();
    let credentials = (&options.twilio_account_sid, &options.twilio_auth_token);
    if account != *credentials.0 || !is_basic(&headers, credentials.0, credentials.1) {
        return authenticate();
    }
    let fields = form(&body);
    let field = |wanted: &str| {
        fields
            .iter()
            .find(|(name, value)| name == wanted && !value.is_empty())
            .map(|(_, value)| value.as_str())
    };
    match check(field("To"), field("From").or(field("MessagingServiceSid")), field("Body")) {
        Ok((to, from, text)) => created(&account, to, from, text, state.next_message()),
        Err((code, message)) => error(StatusCode::BAD_REQUEST, code, &message),
    }
}

/// The three fields, or why they are refused.
fn check<'a>(
    to: Option<&'a str>,
    from: Option<&'a str>,
    body: Option<&'a str>,
) -> Result<(&'a str, &'a str, &'a str), (u32, String)> {
    let missing = |code, message: &str| (code, message.to_owned());
    let to = to.ok_or_else(|| missing(21604, "A 'To' phone number is required."))?;
    let from = from.ok_or_else(|| missing(21603, "A 'From' phone number is required."))?;
    let body = body.ok_or_else(|| missing(21602, "Message body is required."))?;
    if body.chars().count() > LONGEST {
        return Err(missing(21617, "The concatenated message body exceeds the 1600 character limit"));
    }
    if !is_phone_number(to) || to == "+15005550001" {
        return Err((21211, format!("The 'To' number {to} is not a valid phone number.")));
    }
    if !is_sender(from) || from == "+15005550001" {
        return Err((
            21212,
            format!(
                "The 'From' number {from} is not a valid phone number, shortcode, or alphanumeric sender ID."
            ),
        ));
    }
    match to {
        "+15005550002" => {
            Err((21612, format!("The 'To' phone number: {to}, is not currently reachable via SMS")))
        }
        "+15005550003" => Err((
            21408,
            format!(
                "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}"
            ),
        )),
        "+15005550004" => Err(missing(21610, "Attempt to send to unsubscribed recipient")),
        "+15005550009" => Err((21614, format!("'To' number: {to}, is not a valid mobile number"))),
        _ => Ok((to, from, body)),
    }
}

/// E.164: a plus sign and 7 to 15 digits that do not begin with 0.
fn is_phone_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

/// A number, a short code, a messaging service, or up to eleven letters and digits.
fn is_sender(text: &str) -> bool {
    let short = (1..=11).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ');
    is_phone_number(text) || short || text.starts_with("MG")
}

fn is_basic(headers: &HeaderMap, user: &str, password: &str) -> bool {
    let expected = STANDARD.encode(format!("{user}:{password}"));
    headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        value
            .split_once(' ')
            .is_some_and(|(scheme, given)| scheme.eq_ignore_ascii_case("basic") && given.trim() == expected)
    })
}

fn created(account: &str, to: &str, from: &str, body: &str, number: u64) -> Response {
    let sid = format!("SM{number:032x}");
    let service = from.starts_with("MG");
    // RFC 2822, as Twilio's first API has it.
    let now = Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
    let segments = body.chars().count().div_ceil(if body.is_ascii() { 160 } else { 70 });
    let path = format!("/2010-04-01/Accounts/{account}/Messages/{sid}");
    let message = json!({
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": body,
        "date_created": now,
        "date_sent": null,
        "date_updated": now,
        "direction": "outbound-api",
        "error_code": null,
        "error_message": null,
        "from": if service { None } else { Some(from) },
        "messaging_service_sid": if service { Some(from) } else { None },
        "num_media": "0",
        "num_segments": segments.to_string(),
        "price": null,
        "price_unit": "USD",
        "sid": sid,
        "status": "queued",
        "subresource_uris": {"media": format!("{path}/Media.json")},
        "to": to,
        "uri": format!("{path}.json"),
    });
    (StatusCode::CREATED, axum::Json(message)).into_response()
}

fn error(status: StatusCode, code: u32, message: &str) -> Response {
    let body = json!({
        "code": code,
        "message": message,
        "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
        "status": status.as_u16(),
    });
    (status, axum::Json(body)).into_response()
}

fn authenticate() -> Response {
    let mut response = error(StatusCode::UNAUTHORIZED, 20003, "Authenticate");
    let challenge = axum::http::HeaderValue::from_static("Basic realm=\"Twilio API\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

/// 429: more requests at once than Twilio takes.
pub(crate) fn too_many() -> Response {
    error(StatusCode::TOO_MANY_REQUESTS, 20429, "Too Many Requests")
}

/// The body of a failed server.
pub(crate) fn failure(status: StatusCode) -> Response {
    error(status, 20500, "Internal Server Error")
}

/// The fields of an `application/x-www-form-urlencoded` body.
pub(crate) fn form(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}
