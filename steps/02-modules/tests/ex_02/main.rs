//! The exercises of step 02, a module each: `cargo workshop verify` runs one of them. A failure is written for the learner:
//! what happened to a person or to data.
//!
//! The pieces alone meet ports that count. What only the whole can show runs in the real modules. Without a feature `mine-…`
//! it has our solutions.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod batch;
#[expect(dead_code, reason = "shared with tests that use the rest")]
#[path = "../in_process/mod.rs"]
mod in_process;
mod react;
