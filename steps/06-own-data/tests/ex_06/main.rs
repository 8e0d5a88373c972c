//! The exercises of step 06, a module each: `cargo workshop verify` runs one of them. A failure is written for the learner:
//! what happened to a person or to data.
//!
//! Without a feature `mine-…` the pieces are our solutions.

#![expect(clippy::expect_used, clippy::panic, reason = "a test")]

mod backfill;
mod cut_over;
