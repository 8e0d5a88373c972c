//! Liveness and readiness, for whoever decides about restarts and traffic.

mod probe;

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use axum::{Router, extract::State, http::StatusCode, routing::get};

use crate::serve::Stop;
pub use probe::Probe;

/// How long the question may take on which readiness depends.
const ASK: Duration = Duration::from_secs(1);

type Question = dyn Fn() -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync;

/// Readiness: while what the process needs answers, until it stops.
#[derive(Clone)]
pub struct Health {
    question: Option<Arc<Question>>,
    stop: Stop,
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").field("stop", &self.stop).finish_non_exhaustive()
    }
}

impl Health {
    /// Ready until `stop`.
    #[must_use]
    pub fn new(stop: Stop) -> Self {
        Self { question: None, stop }
    }

    /// Ready only while `question` is answered with `true` within a second: whether the database is
    /// there, say. Traffic can go elsewhere meanwhile; a restart would mend nothing.
    #[must_use]
    pub fn asking<F>(mut self, question: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        self.question = Some(Arc::new(move || Box::pin(question())));
        self
    }

    /// Whether the process should have traffic now.
    pub async fn is_ready(&self) -> bool {
        if self.stop.is_stopping() {
            return false;
        }
        match &self.question {
            Some(question) => tokio::time::timeout(ASK, question()).await.unwrap_or(false),
            None => true,
        }
    }

    /// `GET /health/live` (200 while the process can answer at all; asks nothing else, because a
    /// restart mends nobody else) and `GET /health/ready` (200 or 503).
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        Router::new().route("/health/live", get(|| async { "live\n" })).route(
            "/health/ready",
            get(|State(health): State<Self>| async move {
                if health.is_ready().await {
                    (StatusCode::OK, "ready\n")
                } else {
                    (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
                }
            })
            .with_state(self),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn ready_while_the_question_is_answered_and_never_again_once_stopping() {
        let (stop, answer) = (Stop::manual(), Arc::new(AtomicBool::new(true)));
        let told = answer.clone();
        let health = Health::new(stop.clone()).asking(move || {
            let answer = told.load(Ordering::Relaxed);
            async move { answer }
        });
        assert!(health.is_ready().await);
        answer.store(false, Ordering::Relaxed);
        assert!(!health.is_ready().await);
        answer.store(true, Ordering::Relaxed);
        assert!(health.is_ready().await, "what is there again is ready again");
        stop.stop();
        assert!(!health.is_ready().await);
        let hanging = Health::new(Stop::manual()).asking(std::future::pending);
        assert!(!hanging.is_ready().await, "no answer is a no");
    }
}
