//! Every process of step 07 in one binary, for tests, drills and `cargo workshop run 7`: `system-07 web`, `system-07 github`,
//! `system-07 insights`, `system-07 backlog`, `system-07 notify`, `system-07 feed`, `system-07 gateway`, `system-07 simulators`; and
//! `system-07 github retell` and `system-07 web retell`, which tell of everything again, and `system-07 insights rebuild`, which throws the
//! read models away.

use std::process::ExitCode;

use clap::Parser;
use step_07_events::processes::Process;

/// The processes of step 07.
#[derive(Parser)]
#[command(name = "system-07")]
struct System {
    #[command(subcommand)]
    process: Process,
}

fn main() -> ExitCode {
    chassis::config::parse::<System>().process.main()
}
