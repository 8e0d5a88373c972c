//! The acceptance suite on stop 1 of the way to step 02.

use std::process::ExitCode;

use acceptance::{Engine, Step};

fn main() -> ExitCode {
    let step = Step {
        number: "02",
        binary: env!("CARGO_BIN_EXE_system-02"),
        folder: concat!(env!("CARGO_MANIFEST_DIR"), "/stops/1-notify"),
    };
    acceptance::run_alternating(step, Engine::Sqlite)
}
