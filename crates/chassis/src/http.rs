//! What every HTTP server of ours has around its routes.

use std::{any::Any, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use crate::{
    Ctx, Fault, Problem,
    auth::{self, WriteToken},
    ctx::{DEFAULT_TIMEOUT, REQUEST_ID},
    extract,
    fault::Cause,
    lingering,
};

/// `router` in its frame: a [`Ctx`] for each request, an end to each, a log line for each that our
/// side spoilt, a 500 for a panic, and problem details for a route or method that is not there.
pub fn frame(router: Router) -> Router {
    router
        .fallback(|request: Request| async move {
            match *request.method() {
                // About the server as a whole (RFC 9110, 9.3.7): it is there.
                Method::OPTIONS if request.uri().path() == "*" => StatusCode::NO_CONTENT.into_response(),
                Method::CONNECT => not_allowed(request).await.into_response(),
                _ => Fault::NotFound(request.uri().path().to_owned()).into_response(),
            }
        })
        .method_not_allowed_fallback(not_allowed)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(DEFAULT_TIMEOUT, in_context))
        .layer(middleware::from_fn(lingering::read_rest))
}

async fn not_allowed(request: Request) -> Problem {
    let detail = format!("{} does not take {}", request.uri().path(), request.method());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}

/// `routes` behind the token for writes, taking bodies of at most `longest` bytes.
pub fn guarded(routes: Router, token: WriteToken, longest: usize) -> Router {
    limited(routes.layer(middleware::from_fn_with_state(token, auth::writes)), longest)
}

/// `router`, taking bodies of at most `bytes`.
pub fn limited(router: Router, bytes: usize) -> Router {
    router
        .layer(DefaultBodyLimit::max(bytes))
        .layer(middleware::from_fn_with_state(bytes, extract::announced))
}

/// Middleware: gives the request its [`Ctx`], ends it at the deadline and logs what went wrong, once.
async fn in_context(State(longest): State<Duration>, mut request: Request, next: Next) -> Response {
    let ctx = match Ctx::of_request(request.headers(), longest) {
        Ok(ctx) => ctx,
        Err(fault) => return fault.into_response(),
    };
    // The path alone: a query string may carry what does not belong into a log.
    let span = tracing::info_span!(
        "request",
        id = %ctx.request_id,
        trace = %ctx.trace.trace(),
        method = %request.method(),
        path = %request.uri().path(),
    );
    request.extensions_mut().insert(ctx.clone());
    async move {
        let mut response = match tokio::time::timeout_at(ctx.deadline, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Fault::DeadlineExceeded.into_response(),
        };
        if response.status().is_server_error() {
            let cause = response.extensions().get::<Cause>().map(|Cause(cause)| chain(cause.as_ref()));
            tracing::error!(status = %response.status(), cause, "answered");
        } else {
            tracing::debug!(status = %response.status(), "answered");
        }
        if let Ok(id) = HeaderValue::from_str(&ctx.request_id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        // Nobody may read JSON as a page, whatever it contains.
        response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
    .instrument(span)
    .await
}

/// The answer to a request whose handler panicked; the message goes into the log.
#[expect(clippy::needless_pass_by_value, reason = "the signature that tower-http calls")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    Fault::internal(format!("a handler panicked: {message}")).into_response()
}

/// An error and what caused it, `: ` in between: for the log.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, routing::get};
    use tower::ServiceExt;

    use super::*;

    async fn answer(path: &str) -> (StatusCode, String, String) {
        async fn panics() {
            panic!("at the disco")
        }
        let router =
            frame(Router::new().route("/panic", get(panics)).route("/hang", get(std::future::pending::<()>)));
        let request = Request::get(path).header(REQUEST_ID, "r-1").body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.headers()["x-content-type-options"], "nosniff", "{path}");
        let header =
            |name| response.headers().get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
        (response.status(), header("content-type"), header(REQUEST_ID))
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_goes_wrong_is_a_problem_with_the_callers_request_id() {
        for (path, status) in [("/panic", 500), ("/hang", 504), ("/nowhere", 404)] {
            let (answered, kind, id) = answer(path).await;
            assert_eq!(
                (answered.as_u16(), kind.as_str(), id.as_str()),
                (status, "application/problem+json", "r-1")
            );
        }
    }
}
