//! The acceptance suite: what Automator does, asked over HTTP, the same at every step.
//!
//! A step joins with one line in `tests/step_NN.rs` (`harness = false`):
//!
//! ```ignore
//! acceptance::main!("01");
//! ```
//!
//! Each scenario ([`scenarios`]) is a function over an [`App`]: real processes, started for it alone by [`harness`] from
//! the step's `system.toml`, with a database and simulators of their own. It runs once on SQLite and once on PostgreSQL,
//! as `sqlite::tasks::…` and `postgres::tasks::…`. Answers are pinned by snapshots that all steps and databases share
//! ([`snapshot`]). Tests of a crate that speaks SQL get the same two databases by [`on_both_databases!`].
//!
//! Run some of it with `cargo test --workspace --test step_01 -- sqlite::tasks`.

#![expect(
    clippy::panic,
    clippy::expect_used,
    reason = "this crate is a test: a panic is how it says that something is wrong"
)]

mod answer;
mod app;
pub mod browser;
pub mod databases;
pub mod drills;
mod eventually;
mod exercise;
pub mod fuzz;
mod github;
mod panics;
mod platform;
mod postgres;
mod readme;
mod request;
mod scenario;
pub mod scenarios;
mod simulators;
mod snapshots;
mod suite;
pub mod tools;
mod trials;
mod visitor;

pub use answer::Answer;
pub use app::{App, CATALOGUE, SECRET, SERVICE_TOKEN, Step, TOKEN, signature};
pub use databases::{Database, Databases, Engine, Missing, is_required};
pub use eventually::{becomes, eventually, eventually_within};
pub use exercise::with_system;
pub use github::Delivery;
pub use platform::{Platform, Stage};
pub use postgres::other_postgres_image;
pub use readme::{run_curl, run_curl_commands, shell_commands};
pub use request::Request;
pub use scenario::{Run, Scenario};
pub use simulators::Simulators;
pub use snapshots::snapshot;
pub use suite::{run, run_alternating, run_on, run_on_stage};
pub use trials::{Over, run_with};
pub use visitor::Visitor;

// A step's tests name workspace crates only, so that `build` and `test` resolve features alike.
pub use {
    anyhow, fantoccini, futures, harness, insta, reqwest, serde_json, tempfile, testcontainers, tokio, toml,
};

/// The whole of `tests/step_NN.rs`: runs every scenario against the binary `system-NN` of the package.
#[macro_export]
macro_rules! main {
    ($number:literal) => {
        fn main() -> ::std::process::ExitCode {
            $crate::run($crate::Step {
                number: $number,
                binary: env!(concat!("CARGO_BIN_EXE_system-", $number)),
                folder: env!("CARGO_MANIFEST_DIR"),
            })
        }
    };
}
