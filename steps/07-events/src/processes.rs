//! The processes of step 07, for its own binary of all of them and for those of later steps.

use std::process::ExitCode;

use chassis::process::start;
use clap::Subcommand;
use step_07_service::command;

use crate::nats;

/// One of them, with its configuration.
#[derive(Debug, Subcommand)]
pub enum Process {
    /// Pages, digests and the team.
    Web(Box<step_07_web::config::Config>),
    /// What GitHub says.
    Github(Box<step_07_github::config::Config>),
    /// Measures and the leaderboard.
    Insights(Box<step_07_insights::config::Config>),
    /// Tasks and rules.
    Backlog(Box<step_07_backlog::config::Config>),
    /// Messages to people.
    Notify(Box<step_04_notify::config::Config>),
    /// Carries messages between services.
    Feed(Box<step_07_feed::config::Config>),
    /// A NATS server in place of it.
    Nats(nats::Config),
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
            Self::Web(config) => command::start(&*config),
            Self::Github(config) => command::start(&*config),
            Self::Insights(config) => command::start(&*config),
            Self::Backlog(config) => start(&*config),
            Self::Notify(config) => start(&*config),
            Self::Feed(config) => start(&*config),
            Self::Nats(config) => chassis::process::run(nats::run(config)),
            Self::Gateway(config) => step_03_gateway::app::main(&config),
            Self::Simulators(options) => chassis::process::run(simulators::run(*options)),
        }
    }
}
