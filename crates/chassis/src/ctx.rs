//! The context of a request: what travels with it from hop to hop.

use std::{convert::Infallible, time::Duration};

use axum::{extract::FromRequestParts, http::request::Parts};
use tokio::time::Instant;
use uuid::Uuid;

/// How long a request may take when nobody says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Name of the header that carries the request id, in and out.
pub const REQUEST_ID: &str = "x-request-id";

/// Whether a caller's id may be used: 1 to 128 printable ASCII characters, so that nobody can write into our logs.
#[must_use]
pub fn is_request_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// The context of one request: its id for the logs and the moment at which nobody waits any more.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// The caller's `X-Request-Id`, or one that we made.
    pub request_id: String,
    /// When the caller gives up.
    pub deadline: Instant,
}

impl Ctx {
    /// A context for work that no request asked for: a worker's step, a test.
    #[must_use]
    pub fn background(timeout: Duration) -> Self {
        Self { request_id: Uuid::now_v7().to_string(), deadline: Instant::now() + timeout }
    }

    /// What is left until the deadline; zero when it has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The context of a request with that `X-Request-Id`, or with one of ours where that is none.
    pub(crate) fn of_request(request_id: Option<&str>, timeout: Duration) -> Self {
        let fresh = Self::background(timeout);
        match request_id {
            Some(id) if is_request_id(id) => Self { request_id: id.to_owned(), ..fresh },
            _ => fresh,
        }
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

    #[test]
    fn an_id_that_could_forge_a_log_line_is_replaced() {
        let id = |text: &str| Ctx::of_request(Some(text), DEFAULT_TIMEOUT).request_id;
        assert_eq!(id("abc-1"), "abc-1");
        for bad in ["", "a b", "a\nb", "é", &"x".repeat(129)] {
            assert_ne!(id(bad), bad);
        }
    }
}
