//! The acceptance suite over NATS JetStream in place of `feed`, on one database for each scenario in turn: who carries the messages is a matter of
//! configuration.

use std::process::ExitCode;

use acceptance::{Engine, Step, tools::Tool};

/// A server for each scenario, started by the system as a process of its own.
const NATS: Tool =
    Tool { name: "nats-server", variable: "WORKSHOP_NATS_SERVER", version: "--version", need: "nats" };

fn main() -> ExitCode {
    let step = Step {
        number: "07",
        binary: env!("CARGO_BIN_EXE_system-07"),
        folder: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/nats"),
    };
    match NATS.find() {
        Ok(Some(_)) => acceptance::run_alternating(step, Engine::Sqlite),
        Ok(None) => ExitCode::SUCCESS,
        Err(missing) => {
            eprintln!("{missing}");
            ExitCode::FAILURE
        }
    }
}
