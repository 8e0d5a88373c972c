//! The exercises of step 04, a module each: `cargo workshop verify` runs one of them. A failure is written for the learner:
//! what happened to a person or to data.
//!
//! The adapter meets a service on a real socket that does what the test says. What only the whole can show runs in the real
//! processes. Without a feature `mine-…` it has our solutions.

#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

mod call;
mod contract;
mod logged;
mod service;
