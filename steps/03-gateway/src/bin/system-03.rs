//! Every process of step 03 in one binary, for tests, drills and `cargo workshop run 3`: `system-03 gateway`,
//! `system-03 faulty`, and what `system-02` has.

use std::process::ExitCode;

use clap::Parser;

/// The processes of step 03.
#[derive(Parser)]
#[command(name = "system-03")]
enum Process {
    /// The reverse proxy in front.
    Gateway(step_03_gateway::config::Config),
    /// A new version with a fault in it.
    Faulty(step_03_faulty::Config),
    /// What step 02 has.
    #[command(flatten)]
    Earlier(step_02_modules::processes::Process),
}

fn main() -> ExitCode {
    match chassis::config::parse() {
        Process::Gateway(config) => step_03_gateway::app::main(&config),
        Process::Faulty(config) => step_03_faulty::main(&config),
        Process::Earlier(process) => process.main(),
    }
}
