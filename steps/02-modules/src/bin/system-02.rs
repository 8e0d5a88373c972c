//! Every process of step 02 in one binary, for tests, drills and `cargo workshop run 2`:
//! `system-02 simulators`, `system-02 monolith migrate`, `system-02 monolith`; and `system-02 first`, which is step 01, to be
//! taken over from.

use std::process::ExitCode;

use clap::Parser;

/// The processes of step 02.
#[derive(Parser)]
#[command(name = "system-02")]
enum Process {
    /// Automator.
    Monolith(Box<step_02_modules::config::Config>),
    /// Automator as step 01 left it.
    First(Box<step_01_monolith::config::Config>),
    /// GitHub, SendGrid and Twilio.
    Simulators(Box<simulators::Options>),
}

fn main() -> ExitCode {
    match chassis::config::parse() {
        Process::Monolith(config) => step_02_modules::app::main(&config),
        Process::First(config) => step_01_monolith::app::main(&config),
        Process::Simulators(options) => chassis::process::run(simulators::run(*options)),
    }
}
