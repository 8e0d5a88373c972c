//! A wish to stop, made elsewhere (a Ctrl-C handler) and seen by whoever waits.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

/// Shared between a signal handler and the systems it should stop. The first request ends a start and lets the caller
/// drop the system, which stops its processes gracefully; the second one kills them without waiting.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicU8>);

impl Stop {
    /// Asks to stop; asked again, to stop at once.
    pub fn request(&self) {
        // Saturates at two, however often an impatient person asks.
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |asked| Some((asked + 1).min(2)));
    }

    /// Whether anybody asked to stop.
    #[must_use]
    pub fn requested(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }

    /// Whether somebody asked twice.
    #[must_use]
    pub fn at_once(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 1
    }
}
