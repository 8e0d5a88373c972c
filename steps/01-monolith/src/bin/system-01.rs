//! Every process of step 01 in one binary, for tests, drills and `cargo workshop run 1`:
//! `system-01 simulators`, `system-01 monolith migrate`, `system-01 monolith`.

use std::process::ExitCode;

use clap::Parser;
use step_01_monolith::processes::Process;

/// The processes of step 01.
#[derive(Parser)]
#[command(name = "system-01")]
struct System {
    #[command(subcommand)]
    process: Process,
}

fn main() -> ExitCode {
    chassis::config::parse::<System>().process.main()
}
