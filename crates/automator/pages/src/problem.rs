//! What a person sees in place of problem details.

use askama::Template;
use axum::{
    body::to_bytes,
    extract::Request,
    http::{StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use chassis::{Problem, session::Visitor};

use crate::guard;

/// What programs ask for, and sometimes a person with a browser.
const FOR_PROGRAMS: [&str; 5] = ["/api", "/webhooks", "/health", "/openapi.json", "/metrics"];

/// The longest problem that is read: longer than any of ours.
const LONGEST_PROBLEM: usize = 64 * 1024;

#[derive(Template)]
#[template(path = "problem.html")]
struct Page {
    visitor: Visitor,
    problem: Problem,
    words: &'static str,
}

/// On the answer of a page's route.
#[derive(Clone)]
struct OfPage;

/// Middleware of the pages: what their routes answer is for people.
pub(crate) async fn mark(mut response: Response) -> Response {
    response.extensions_mut().insert(OfPage);
    response
}

/// Middleware around everything: a problem on a page becomes a page, with its status, and pages get their headers. So
/// does a problem with what no route answered, when a browser asked for it.
pub async fn in_words(request: Request, next: Next) -> Response {
    let lost = is_for_person(&request);
    let mut response = next.run(request).await;
    let is_problem = is_problem(&response);
    let is_page = response.extensions().get::<OfPage>().is_some();
    if is_problem && (is_page || lost) {
        response = explained(response).await;
    }
    if is_page || (is_problem && lost) {
        guard(&mut response);
    }
    response
}

/// Whether a browser asks for a page, be there one or not.
fn is_for_person(request: &Request) -> bool {
    let path = request.uri().path();
    let is_for_program = FOR_PROGRAMS
        .iter()
        .any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    !is_for_program && accept.is_some_and(|accept| accept.contains("text/html"))
}

fn is_problem(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind == "application/problem+json")
}

async fn explained(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, LONGEST_PROBLEM).await.unwrap_or_default();
    let problem: Problem = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| Problem::new(parts.status, "unknown", "the server did not say what was wrong"));
    let page = Page { visitor: Visitor::default(), words: words(parts.status), problem };
    let Ok(html) = page.render() else { return parts.status.into_response() };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    (parts.status, parts.headers, Html(html)).into_response()
}

/// The status in a sentence that says what to do next.
fn words(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "There is no such page.",
        StatusCode::FORBIDDEN => "That was not sent from a page of ours, or your session has ended.",
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST => {
            "Something in the request does not fit."
        }
        StatusCode::METHOD_NOT_ALLOWED => "This page does not do that.",
        StatusCode::PAYLOAD_TOO_LARGE => "That is more than this page takes.",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            "Automator is busy. Wait a moment, then load the page again."
        }
        status if status.is_server_error() => "Something went wrong on our side.",
        _ => "That did not work.",
    }
}
