//! Every process of step 01 in one binary, for tests, drills and `cargo workshop run 1`:
//! `system-01 simulators`, `system-01 monolith migrate`, `system-01 monolith`.

use std::process::ExitCode;

use clap::Parser;

/// The processes of step 01.
#[derive(Parser)]
#[command(name = "system-01")]
enum Process {
    /// Automator.
    Monolith(Box<step_01_monolith::config::Config>),
    /// GitHub, SendGrid and Twilio.
    Simulators(Box<simulators::Options>),
}

fn main() -> ExitCode {
    match chassis::config::parse() {
        Process::Monolith(config) => step_01_monolith::app::main(&config),
        Process::Simulators(options) => chassis::process::run(simulators::run(*options)),
    }
}
