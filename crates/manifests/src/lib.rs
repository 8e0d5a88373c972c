//! What the tests of steps 10 and 11 read, judge and play: files of containers ([`containers`]) and manifests of Kubernetes
//! ([`kubernetes`]), and what both ship ([`shipped`]).
//!
//! The files themselves are the steps' own, and the learner's. A rule takes what was read and says what is wrong with it, in words
//! for whoever wrote it; each has a planted mistake in a test that it finds and no other rule does. Nothing that ships knows this
//! crate.

#![expect(clippy::panic, reason = "this crate is for tests: a panic is how it says what is wrong")]

use std::path::{Path, PathBuf};

pub mod containers;
pub mod kubernetes;
pub mod shipped;

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // Without `..`: an engine's client would show it so.
    root.canonicalize().unwrap_or(root)
}
