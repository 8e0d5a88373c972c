//! The processes of step 02, for its own binary of all of them and for those of later steps.

use std::process::ExitCode;

use clap::Subcommand;

use chassis::process::start;

use crate::{
    config::Config,
    stops::{notify_out::NotifyOut, team_out::TeamOut},
};

/// One of them, with its configuration.
#[derive(Debug, Subcommand)]
pub enum Process {
    /// Automator.
    Monolith(Box<Config>),
    /// Automator as step 01 left it, to be taken over from.
    First(Box<step_01_monolith::config::Config>),
    /// Automator with messages in a module.
    NotifyOut(Box<NotifyOut>),
    /// Automator with messages, the team and the measures in modules.
    TeamOut(Box<TeamOut>),
    /// GitHub, SendGrid and Twilio.
    Simulators(Box<simulators::Options>),
}

impl Process {
    /// Runs it; the exit code of the process.
    #[must_use]
    pub fn main(self) -> ExitCode {
        match self {
            Self::Monolith(config) => start(&*config),
            Self::First(config) => start(&*config),
            Self::NotifyOut(config) => start(&*config),
            Self::TeamOut(config) => start(&*config),
            Self::Simulators(options) => chassis::process::run(simulators::run(*options)),
        }
    }
}
