//! The exercises of step 11, a module each: `cargo workshop verify` runs one of them. A failure is written for the learner:
//! what happened to a person or to data.
//!
//! No cluster and no kubectl: the learner's files are read as they are. Without a feature `mine-…` they are our solutions.

#![expect(clippy::panic, reason = "tests")]

use std::path::{Path, PathBuf};

mod edges;
mod questions;

/// A file of the learner's, or ours where theirs is not asked for.
fn piece(file: &str, is_mine: bool) -> PathBuf {
    let whose = if is_mine { "exercises" } else { "solutions" };
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(whose).join("11-kubernetes").join(file)
}
