//! Liveness and readiness, for whoever decides about restarts and traffic.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, extract::State, http::StatusCode, routing::get};

use crate::serve::Stop;

/// Readiness as a latch: it opens when the last part is ready, and closes for good when the process stops.
#[derive(Debug, Clone)]
pub struct Health {
    missing: Arc<AtomicUsize>,
    stop: Stop,
}

/// One part that has to be ready before the process takes traffic.
#[derive(Debug)]
#[must_use = "a part that is dropped unready keeps the process unready for ever"]
pub struct Part(Arc<AtomicUsize>);

impl Health {
    /// Ready as soon as all parts are, until `stop`.
    #[must_use]
    pub fn new(stop: Stop) -> Self {
        Self { missing: Arc::default(), stop }
    }

    /// One more part to wait for.
    pub fn part(&self) -> Part {
        self.missing.fetch_add(1, Ordering::AcqRel);
        Part(self.missing.clone())
    }

    /// Whether the process should have traffic now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.missing.load(Ordering::Acquire) == 0 && !self.stop.is_stopping()
    }

    /// `GET /health/live` (200 while the process can answer at all; asks nothing else, because a
    /// restart mends nobody else) and `GET /health/ready` (200 or 503).
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        Router::new().route("/health/live", get(|| async { "live\n" })).route(
            "/health/ready",
            get(|State(health): State<Self>| async move {
                if health.is_ready() {
                    (StatusCode::OK, "ready\n")
                } else {
                    (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
                }
            })
            .with_state(self),
        )
    }
}

impl Part {
    /// This part is ready.
    pub fn ready(self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_when_the_last_part_is_and_never_again_once_stopping() {
        let stop = Stop::manual();
        let health = Health::new(stop.clone());
        let (database, cache) = (health.part(), health.part());
        database.ready();
        assert!(!health.is_ready());
        cache.ready();
        assert!(health.is_ready());
        stop.stop();
        assert!(!health.is_ready());
    }
}
