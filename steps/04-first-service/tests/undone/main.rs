//! The acceptance suite with the split undone: the port of messages leads into the process again, because one setting says so.

use std::process::ExitCode;

use acceptance::{Engine, Step};

fn main() -> ExitCode {
    let step = Step {
        number: "04",
        binary: env!("CARGO_BIN_EXE_system-04"),
        folder: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/undone"),
    };
    acceptance::run_alternating(step, Engine::Sqlite)
}
