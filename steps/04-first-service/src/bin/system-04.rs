//! Every process of step 04 in one binary, for tests, drills and `cargo workshop run 4`: `system-04 notify`,
//! `system-04 monolith`, `system-04 gateway`, `system-04 simulators`.

use std::process::ExitCode;

use clap::Parser;
use step_04_first_service::processes::Process;

/// The processes of step 04.
#[derive(Parser)]
#[command(name = "system-04")]
struct System {
    #[command(subcommand)]
    process: Process,
}

fn main() -> ExitCode {
    chassis::config::parse::<System>().process.main()
}
