//! Somebody who is away is told of once in the log, and once more when they are back.

use std::error::Error;

use tokio::time::Instant;

/// Since when.
#[derive(Debug, Default)]
pub(crate) struct Away(Option<Instant>);

impl Away {
    /// Says so the first time.
    pub(crate) fn begins(&mut self, why: &(dyn Error + 'static), what: &'static str) {
        if self.0.is_none() {
            self.0 = Some(Instant::now());
            tracing::warn!(error = why, "{what}");
        }
    }

    /// Says so, if it has begun.
    pub(crate) fn is_over(&mut self, what: &'static str) {
        if let Some(since) = self.0.take() {
            tracing::info!(after = ?since.elapsed(), "{what}");
        }
    }
}
