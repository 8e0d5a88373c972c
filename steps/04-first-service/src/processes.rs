//! The processes of step 04, for its own binary of all of them and for those of later steps.

use std::process::ExitCode;

use clap::Subcommand;

use chassis::process::start;

use crate::config::Config;

/// One of them, with its configuration.
#[derive(Debug, Subcommand)]
pub enum Process {
    /// Automator without its messages.
    Monolith(Box<Config>),
    /// Messages to people.
    Notify(Box<step_04_notify::config::Config>),
    /// The reverse proxy in front.
    Gateway(Box<step_03_gateway::config::Config>),
    /// GitHub, SendGrid and Twilio.
    Simulators(Box<simulators::Options>),
}

impl Process {
    /// Runs it; the exit code of the process.
    #[must_use]
    pub fn main(self) -> ExitCode {
        match self {
            Self::Monolith(config) => start(&*config),
            Self::Notify(config) => start(&*config),
            Self::Gateway(config) => step_03_gateway::app::main(&config),
            Self::Simulators(options) => chassis::process::run(simulators::run(*options)),
        }
    }
}
