//! The exercises of step 03, a module each: `cargo workshop verify` runs one of them. A failure is written for the learner:
//! what happened to a person or to data.
//!
//! The pieces alone run on a clock of their own, so that thirty seconds take none. What only the whole can show runs in the
//! real gateway before the real Automator. Without a feature `mine-…` it has our solutions.

#![expect(clippy::expect_used, reason = "tests")]

mod gateway;
mod shadow;
mod switch;
