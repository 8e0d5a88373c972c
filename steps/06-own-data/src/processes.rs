//! The processes of step 06, for its own binary of all of them and for those of later steps.

use std::process::ExitCode;

use clap::Subcommand;

use chassis::process::start;

use crate::{config::Config, mover, services};

/// One of them, with its configuration.
#[derive(Debug, Subcommand)]
pub enum Process {
    /// Automator without its messages and its tasks.
    Monolith(Box<Config>),
    /// Tasks and rules, over a database of their own.
    Backlog(Box<services::Backlog>),
    /// Messages to people, over a database of their own.
    Notify(Box<services::Notify>),
    /// Moves the rows of both there while people work.
    Mover(Box<mover::Config>),
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
            Self::Backlog(config) => start(&*config),
            Self::Notify(config) => start(&*config),
            Self::Mover(config) => mover::main(&config),
            Self::Gateway(config) => step_03_gateway::app::main(&config),
            Self::Simulators(options) => chassis::process::run(simulators::run(*options)),
        }
    }
}
