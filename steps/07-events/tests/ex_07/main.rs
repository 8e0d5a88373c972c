//! The exercises of step 07, a module each: `cargo workshop verify` runs one of them. A failure is written for the learner:
//! what happened to a person or to data.

#![expect(clippy::expect_used, reason = "helpers of tests may, like tests")]

mod inbox;
mod life;
mod outbox;
mod real;
