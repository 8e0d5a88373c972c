//! What every cluster's manifests promise, and that each rule finds what it is there to find.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod clusters;
mod planted;
mod versions;
