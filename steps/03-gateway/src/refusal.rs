//! Why the gateway answers in place of an upstream.

use std::io;

use axum::response::{IntoResponse, Response};
use chassis::{Fault, Problem};
use http::{HeaderValue, StatusCode, header};

/// What a client is told when no upstream's answer can be passed on.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Two servers could read the request in two ways. 400.
    #[error("the request can be read in two ways: {0}")]
    Ambiguous(&'static str),
    /// A method that a reverse proxy does not take. 405.
    #[error("this gateway opens no tunnels")]
    Connect,
    /// No route. 404.
    #[error("no route leads to this path")]
    NoRoute,
    /// A longer body than the route takes. 413.
    #[error("the body is longer than the {0} bytes that this route takes")]
    TooLarge(u64),
    /// An upstream took the request, and no answer came that could be read. 502. Whether it did what it was asked is not known.
    #[error("the upstream gave no answer that can be passed on")]
    Broken(#[source] Option<hyper::Error>),
    /// Nobody listens. 503. The request was not sent.
    #[error("the upstream is not available")]
    Unreachable(#[source] io::Error),
    /// The route's deadline has passed. 504.
    #[error("the upstream gave no answer before the route's deadline")]
    Late,
}

impl Refusal {
    /// Whether it is not the client that has to mend it: such a one is logged.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::Unreachable(_) | Self::Late)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let problem = |status, kind| Problem::new(status, kind, self.to_string());
        match self {
            Self::Ambiguous(_) => closing(problem(StatusCode::BAD_REQUEST, "ambiguous-request")),
            Self::Connect => closing(problem(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed")),
            Self::NoRoute => problem(StatusCode::NOT_FOUND, "no-route").into_response(),
            Self::TooLarge(_) => closing(problem(StatusCode::PAYLOAD_TOO_LARGE, "too-large")),
            Self::Broken(_) => problem(StatusCode::BAD_GATEWAY, "bad-gateway").into_response(),
            Self::Unreachable(_) => Fault::Unavailable("the upstream".to_owned()).into_response(),
            Self::Late => Fault::DeadlineExceeded.into_response(),
        }
    }
}

/// The answer after which the connection ends: where a request was not read, nobody can say where the next one begins.
fn closing(problem: Problem) -> Response {
    let mut response = problem.into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
