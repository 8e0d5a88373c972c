//! Every process of step 06 in one binary, for tests, drills and `cargo workshop run 6`: `system-06 backlog`,
//! `system-06 monolith`, `system-06 notify`, `system-06 mover`, `system-06 gateway`, `system-06 simulators`.

use std::process::ExitCode;

use clap::Parser;
use step_06_own_data::processes::Process;

/// The processes of step 06.
#[derive(Parser)]
#[command(name = "system-06")]
struct System {
    #[command(subcommand)]
    process: Process,
}

fn main() -> ExitCode {
    chassis::config::parse::<System>().process.main()
}
