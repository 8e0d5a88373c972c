//! Where a mover may be killed, for the tests that do it.
//!
//! Between any two statements of a mover stands a point with a name. With `MOVER_HALTS_AT=17` the mover says so at the seventeenth
//! that it comes to and does nothing more, with its transactions and locks as they are, until somebody kills it. With
//! `MOVER_HALTS_AT="a page is read#2"` it does so at the second page.

use std::{
    future::pending,
    str::FromStr,
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

/// Where a mover halts: at a number of all points that it comes to, or at a point by its name and a number of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    name: Option<String>,
    number: u64,
}

impl FromStr for Halt {
    type Err = &'static str;

    /// `17`, or `a page is read#2`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, number) = match text.rsplit_once('#') {
            Some((name, number)) if POINTS.contains(&name) => (Some(name.to_owned()), number),
            Some(_) => return Err("no such point"),
            None => (None, text),
        };
        Ok(Self { name, number: number.parse().map_err(|_| "must be a number, or a name, # and a number")? })
    }
}

/// Counts the points that this mover has come to.
#[derive(Debug, Default)]
pub struct Points {
    halt: Option<Halt>,
    passed: AtomicU64,
}

impl Points {
    /// Halts there; nowhere for `None`.
    #[must_use]
    pub fn new(halt: Option<Halt>) -> Self {
        Self { halt, passed: AtomicU64::new(0) }
    }

    /// At a point.
    pub async fn at(&self, name: &'static str) {
        debug_assert!(POINTS.contains(&name), "{name} is not declared");
        let Some(halt) = &self.halt else { return };
        if halt.name.as_deref().is_some_and(|wanted| wanted != name) {
            return;
        }
        if self.passed.fetch_add(1, Ordering::Relaxed) + 1 == halt.number {
            eprintln!("halts at the point: {name}");
            pending::<()>().await;
        }
    }
}
