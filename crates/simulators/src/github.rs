//! The simulated GitHub: GraphQL v4 at `POST /graphql`, and webhooks that it signs.

pub(crate) mod change;
pub(crate) mod generate;
pub(crate) mod load;
pub(crate) mod model;
pub(crate) mod rate;
pub(crate) mod schema;
pub(crate) mod webhook;
pub(crate) mod words;

use axum::{
    body::Bytes,
    extract::{Request, State as Shared},
    http::{Extensions, HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use self::rate::Budget;
use crate::{State, faults::Fault};

/// The app whose token the client holds: author of the comments that it adds. GraphQL names an app
/// without suffix here and as `automator[bot]` in `viewer` and in webhooks.
pub(crate) const APP: &str = "automator";

/// Points an hour that GitHub gives a token.
pub(crate) const POINTS: i32 = 5000;

/// Lets a request pass when GitHub would: it says who asks (`User-Agent`) and with which token.
///
/// 403 without `User-Agent`, 401 without or with a wrong token, both with GitHub's bodies.
pub(crate) async fn authenticate(Shared(state): Shared<State>, request: Request, next: Next) -> Response {
    if !request.headers().contains_key(header::USER_AGENT) {
        let text = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    match token(request.headers()) {
        None => refusal(
            StatusCode::UNAUTHORIZED,
            "This endpoint requires you to be authenticated.",
            "https://docs.github.com/graphql/guides/forming-calls-with-graphql#authenticating-with-graphql",
        ),
        Some(token) if token != state.options().github_token => {
            refusal(StatusCode::UNAUTHORIZED, "Bad credentials", "https://docs.github.com/rest")
        }
        Some(_) => next.run(request).await,
    }
}

/// The token after `bearer` or `token`, whatever their case.
fn token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token")).then_some(token.trim())
}

/// GitHub's body of an HTTP error.
fn refusal(status: StatusCode, message: &str, documentation: &str) -> Response {
    let body = json!({"message": message, "documentation_url": documentation, "status": status.as_str()});
    json_answer(status, &body)
}

fn json_answer(status: StatusCode, body: &Value) -> Response {
    let mut response = (status, body.to_string()).into_response();
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// `POST /graphql`: 200 with data or errors, 400 when the body is no query.
pub(crate) async fn graphql(Shared(state): Shared<State>, extensions: Extensions, body: Bytes) -> Response {
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return refusal(StatusCode::BAD_REQUEST, "Problems parsing JSON", "https://docs.github.com/graphql");
    };
    let Some(query) = body["query"].as_str() else {
        let message = "A query attribute must be specified and must be a string.";
        return refusal(StatusCode::BAD_REQUEST, message, "https://docs.github.com/graphql");
    };
    let budget = match state.meter().spend(Timestamp::now()) {
        Ok(budget) => budget,
        Err(spent) => return rate_limited(&spent),
    };
    let request = async_graphql::Request::new(query)
        .variables(async_graphql::Variables::from_json(body["variables"].clone()))
        .data(budget);
    let request = match body["operationName"].as_str() {
        Some(name) => request.operation_name(name),
        None => request,
    };
    let fault = extensions.get::<Fault>();
    let request = match fault {
        Some(fault) => request.data(fault.clone()),
        None => request,
    };
    let answer = as_github(&state.schema().execute(request).await);
    let too_much = answer["errors"][0]["type"] == schema::TOO_MUCH;
    let mut response = match fault.and_then(|fault| fault.status) {
        Some(status) if too_much => failure(StatusCode::from_u16(status).unwrap_or_default()),
        _ => json_answer(StatusCode::OK, &answer),
    };
    budget.write(response.headers_mut());
    response
}

/// 200 with GitHub's error of an empty budget, and headers that say when it is full again. GitHub spelled
/// the type `RATE_LIMITED` once, and its documentation still does.
pub(crate) fn rate_limited(spent: &Budget) -> Response {
    let message = "API rate limit already exceeded for user ID 9919.";
    let error = json!({"errors": [{"type": "RATE_LIMIT", "code": "graphql_rate_limit", "message": message}]});
    let mut response = json_answer(StatusCode::OK, &error);
    spent.write(response.headers_mut());
    response
}

/// Too many requests at once, whatever the budget says: 403, 429, or 200 with an error that only its
/// message tells from others. The caller adds `Retry-After`.
pub(crate) fn secondary_limited(status: u16, budget: &Budget) -> Response {
    let message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    let mut response = match StatusCode::from_u16(status) {
        Ok(StatusCode::OK) => json_answer(StatusCode::OK, &json!({"errors": [{"message": message}]})),
        status => refusal(
            status.unwrap_or(StatusCode::FORBIDDEN),
            message,
            "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits",
        ),
    };
    budget.write(response.headers_mut());
    response
}

/// 200 for a query that took too long; the same one may be answered a moment later.
pub(crate) fn timed_out() -> Response {
    let message = "Something went wrong while executing your query. This may be the result of a timeout, or it could be \
                   a GitHub bug. Please include `0000:0000:000000:000000:00000000` when reporting this issue.";
    json_answer(StatusCode::OK, &json!({"data": null, "errors": [{"message": message}]}))
}

/// The body of a failed server: GitHub's own for 502, else a message.
pub(crate) fn failure(status: StatusCode) -> Response {
    let message = if status == StatusCode::BAD_GATEWAY {
        "Server Error"
    } else {
        status.canonical_reason().unwrap_or("Error")
    };
    refusal(status, message, "https://docs.github.com/graphql")
}

/// The answer as GitHub would write it: `type` beside `message` instead of in `extensions`, `null` for what lacks a field
/// that may not be `null` (GraphQL's *null propagation*, which the library leaves out), and no `data` where the query was
/// refused before it ran.
fn as_github(answer: &async_graphql::Response) -> Value {
    let mut body = serde_json::to_value(answer).unwrap_or_default();
    let mut data = body["data"].take();
    let Some(errors) = body.get_mut("errors").and_then(Value::as_array_mut) else {
        body["data"] = data;
        return body;
    };
    let mut refused = false;
    for error in errors {
        let Some(error) = error.as_object_mut() else { continue };
        match error.get("path").and_then(Value::as_array) {
            Some(path) => propagate_null(&mut data, path),
            None => refused = true,
        }
        let kind = error.get("extensions").and_then(|extensions| extensions.get("type")).cloned();
        if let Some(kind) = kind {
            error.remove("extensions");
            error.insert("type".to_owned(), kind);
        }
    }
    if !(refused && data.is_null()) {
        body["data"] = data;
    } else if let Some(body) = body.as_object_mut() {
        body.remove("data");
    }
    body
}

/// Makes `null` of the object on the `path` of an error that lacks the next field. In our part of GitHub's schema each such
/// object may be `null`.
fn propagate_null(data: &mut Value, path: &[Value]) {
    let mut at = data;
    for step in path {
        at = match step {
            Value::String(name) if at.is_object() => {
                if at.get(name).is_none() {
                    *at = Value::Null;
                    return;
                }
                &mut at[name.as_str()]
            }
            Value::Number(index) => match index.as_u64().and_then(|index| usize::try_from(index).ok()) {
                Some(index) if at.get(index).is_some() => &mut at[index],
                _ => return,
            },
            _ => return,
        };
    }
}
