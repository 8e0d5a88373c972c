//! The acceptance suite with the databases put together again: nobody notices, because one setting for each service says so.

use std::process::ExitCode;

use acceptance::{Engine, Step};

fn main() -> ExitCode {
    let step = Step {
        number: "06",
        binary: env!("CARGO_BIN_EXE_system-06"),
        folder: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/undone"),
    };
    acceptance::run_alternating(step, Engine::Sqlite)
}
