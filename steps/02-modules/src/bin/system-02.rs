//! Every process of step 02 in one binary, for tests, drills and `cargo workshop run 2`:
//! `system-02 simulators`, `system-02 monolith migrate`, `system-02 monolith`; and `system-02 first`, which is step 01, and
//! `system-02 notify-out` and `system-02 team-out`, which are the stops on the way from there.

use std::process::ExitCode;

use clap::Parser;
use step_02_modules::processes::Process;

/// The processes of step 02.
#[derive(Parser)]
#[command(name = "system-02")]
struct System {
    #[command(subcommand)]
    process: Process,
}

fn main() -> ExitCode {
    chassis::config::parse::<System>().process.main()
}
