//! Where a mover may be killed, for the tests that do it.
//!
//! Between any two statements of a mover stands a point with a name. With `MOVER_HALTS_AT=17` the mover says so at the seventeenth
//! that it comes to and does nothing more, with its transactions and locks as they are, until somebody kills it.

use std::{
    future::pending,
    sync::atomic::{AtomicU64, Ordering},
};

/// The points, by name. A test kills a mover at each.
pub const POINTS: [&str; 25] = [
    "a mover has begun",
    "the fence of one side is taken over",
    "both fences are taken over",
    "a mirror is installed on a table",
    "both mirrors are installed",
    "rows to copy are counted",
    "a page is read",
    "a page is written, not committed",
    "a page is committed",
    "everything is copied",
    "entries are read",
    "changed rows are read",
    "changed rows are written, not committed",
    "changed rows are committed",
    "entries are gone",
    "a page is compared",
    "everything is compared",
    "a person has approved",
    "the side is closed",
    "the follower is at the head",
    "counts and versions are compared",
    "what is derived is made",
    "reads have moved",
    "writes have moved",
    "a table is dropped",
];

/// Counts the points that this mover has come to.
#[derive(Debug, Default)]
pub struct Points {
    halts_at: Option<u64>,
    passed: AtomicU64,
}

impl Points {
    /// Halts at the point of that number, the first being 1; nowhere for `None`.
    #[must_use]
    pub fn new(halts_at: Option<u64>) -> Self {
        Self { halts_at, passed: AtomicU64::new(0) }
    }

    /// At a point.
    pub async fn at(&self, name: &'static str) {
        debug_assert!(POINTS.contains(&name), "{name} is not declared");
        let number = self.passed.fetch_add(1, Ordering::Relaxed) + 1;
        if self.halts_at == Some(number) {
            eprintln!("halts at point {number}: {name}");
            pending::<()>().await;
        }
    }
}
