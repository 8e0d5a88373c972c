//! The exercises of step 01, a module each: `cargo workshop verify` runs one of them. A failure is written for the learner:
//! what happened to a person or to data.
//!
//! They run on the real system, over SQLite. Without a feature `mine-…` it has our solutions.

#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

mod panics;
mod pins;
mod seams;
mod system;
mod warm_up;
