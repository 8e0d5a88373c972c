//! Every process of step 02 in one binary, for tests, drills and `cargo workshop run 2`:
//! `system-02 simulators`, `system-02 monolith migrate`, `system-02 monolith`; and `system-02 first`, which is step 01, and
//! `system-02 notify-out` and `system-02 team-out`, which are the stops on the way from there.

use std::process::ExitCode;

use clap::Parser;
use step_02_modules::{app, config::Config, states};

/// The processes of step 02.
#[derive(Parser)]
#[command(name = "system-02")]
enum Process {
    /// Automator.
    Monolith(Box<Config>),
    /// Automator as step 01 left it.
    First(Box<step_01_monolith::config::Config>),
    /// Automator with messages in a module.
    NotifyOut(Box<Config>),
    /// Automator with messages, the team and the measures in modules.
    TeamOut(Box<Config>),
    /// GitHub, SendGrid and Twilio.
    Simulators(Box<simulators::Options>),
}

fn main() -> ExitCode {
    match chassis::config::parse() {
        Process::Monolith(config) => app::main(&config),
        Process::First(config) => step_01_monolith::app::main(&config),
        Process::NotifyOut(config) => states::notify_out::main(&config),
        Process::TeamOut(config) => states::team_out::main(&config),
        Process::Simulators(options) => chassis::process::run(simulators::run(*options)),
    }
}
