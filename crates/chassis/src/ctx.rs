//! The context of a request: what travels with it from hop to hop.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
};
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    Fault,
    trace::{TRACEPARENT, TraceParent},
};

/// How long a request may take when nobody says otherwise, and at most.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Name of the header by which a caller says how long it waits: a whole number of milliseconds. What is left travels, not a
/// time of day: clocks differ.
pub const REQUEST_TIMEOUT: &str = "x-request-timeout";

/// Name of the header that carries the request id, in and out.
pub const REQUEST_ID: &str = "x-request-id";

/// Whether a caller's id may be used: 1 to 128 printable ASCII characters, so that nobody can write into our logs.
#[must_use]
pub fn is_request_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// The context of one request: its id for the logs, the trace it is part of, and the moment at which nobody waits any more.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// The caller's `X-Request-Id`, or one that we made.
    pub request_id: String,
    /// Which journey it is part of.
    pub trace: TraceParent,
    /// When the caller gives up.
    pub deadline: Instant,
}

impl Ctx {
    /// A context for work that no request asked for: a worker's step, a test.
    #[must_use]
    pub fn background(timeout: Duration) -> Self {
        Self {
            request_id: Uuid::now_v7().to_string(),
            trace: TraceParent::begin(),
            deadline: Instant::now() + timeout,
        }
    }

    /// What is left until the deadline; zero when it has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The same, for a part of the work that may take at most `longest` of what is left.
    #[must_use]
    pub fn within(&self, longest: Duration) -> Self {
        Self { deadline: self.deadline.min(Instant::now() + longest), ..self.clone() }
    }

    /// The context of a request: what its headers say where that is well formed, and at most `longest` from now on.
    ///
    /// # Errors
    /// [`Fault::Invalid`] naming `X-Request-Timeout` when it is no number of milliseconds.
    pub fn of_request(headers: &HeaderMap, longest: Duration) -> Result<Self, Fault> {
        let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let timeout = match headers.get(REQUEST_TIMEOUT) {
            None => longest,
            Some(_) => milliseconds(said(REQUEST_TIMEOUT))?.min(longest),
        };
        let mut ctx = Self::background(timeout);
        if let Some(id) = said(REQUEST_ID).filter(|id| is_request_id(id)) {
            id.clone_into(&mut ctx.request_id);
        }
        if let Some(Ok(trace)) = said(TRACEPARENT).map(str::parse) {
            ctx.trace = trace;
        }
        Ok(ctx)
    }

    /// The headers that carry it to the next hop of HTTP: who asks, in which trace, and how long the caller waits still.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let left = self.remaining().as_millis().to_string();
        let carried = [
            (REQUEST_ID, &self.request_id),
            (TRACEPARENT, &self.trace.next().to_string()),
            (REQUEST_TIMEOUT, &left),
        ];
        let value = |(name, value): (&'static str, &String)| {
            Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))
        };
        carried.into_iter().filter_map(value).collect()
    }
}

fn milliseconds(text: Option<&str>) -> Result<Duration, Fault> {
    let number = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit())).map(str::parse);
    match number {
        Some(Ok(milliseconds)) => Ok(Duration::from_millis(milliseconds)),
        _ => Err(Fault::invalid("X-Request-Timeout", "must be a whole number of milliseconds")),
    }
}

impl<S: Sync> FromRequestParts<S> for Ctx {
    type Rejection = Infallible;

    /// The context that [`crate::http::frame`] made; a fresh one in a router without it.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_else(|| Self::background(DEFAULT_TIMEOUT)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&'static str, &str)]) -> Result<Ctx, Fault> {
        let value = |text: &str| HeaderValue::from_str(text).unwrap();
        let headers =
            headers.iter().map(|(name, text)| (HeaderName::from_static(name), value(text))).collect();
        Ctx::of_request(&headers, DEFAULT_TIMEOUT)
    }

    #[test]
    fn an_id_that_could_forge_a_log_line_is_replaced() {
        let id = |text: &str| of(&[(REQUEST_ID, text)]).unwrap().request_id;
        assert_eq!(id("abc-1"), "abc-1");
        for bad in ["", "a b", "a\tb", &"x".repeat(129)] {
            assert_ne!(id(bad), bad);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_waits_as_long_as_it_says_and_no_longer_than_we_do() {
        let left = |text: &str| of(&[(REQUEST_TIMEOUT, text)]).map(|ctx| ctx.remaining());
        assert_eq!(left("500").unwrap(), Duration::from_millis(500));
        assert_eq!(left("3600000").unwrap(), DEFAULT_TIMEOUT);
        assert_eq!(left("0").unwrap(), Duration::ZERO);
        assert_eq!(of(&[]).unwrap().remaining(), DEFAULT_TIMEOUT);
        for wrong in ["", "-1", "+1", "1.5", "5s", "99999999999999999999999"] {
            assert!(matches!(left(wrong), Err(Fault::Invalid(_))), "{wrong}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_hop_has_the_same_trace_and_less_time() {
        let ctx = of(&[
            (REQUEST_ID, "r-1"),
            (TRACEPARENT, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            (REQUEST_TIMEOUT, "500"),
        ]);
        let ctx = ctx.unwrap();
        tokio::time::advance(Duration::from_millis(200)).await;
        let next = Ctx::of_request(&ctx.headers(), DEFAULT_TIMEOUT).unwrap();
        assert_eq!((next.request_id.as_str(), next.trace.trace()), ("r-1", ctx.trace.trace()));
        assert_ne!(next.trace, ctx.trace);
        assert_eq!(next.remaining(), Duration::from_millis(300));
    }
}
