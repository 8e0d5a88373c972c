//! The acceptance suite with every module on a SQLite file of its own. A query that reached into another module's tables
//! would find none.

use std::process::ExitCode;

use acceptance::{Engine, Step};

fn main() -> ExitCode {
    let step = Step {
        number: "02",
        binary: env!("CARGO_BIN_EXE_system-02"),
        folder: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/own_databases"),
    };
    acceptance::run_on(step, Engine::Sqlite)
}
