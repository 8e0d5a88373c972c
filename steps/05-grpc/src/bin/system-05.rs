//! Every process of step 05 in one binary, for tests, drills and `cargo workshop run 5`: `system-05 backlog`,
//! `system-05 monolith`, `system-05 notify`, `system-05 gateway`, `system-05 simulators`.

use std::process::ExitCode;

use clap::Parser;
use step_05_grpc::processes::Process;

/// The processes of step 05.
#[derive(Parser)]
#[command(name = "system-05")]
struct System {
    #[command(subcommand)]
    process: Process,
}

fn main() -> ExitCode {
    chassis::config::parse::<System>().process.main()
}
