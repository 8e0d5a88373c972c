//! What the environment says, checked before anything starts.

use chassis::{
    auth::Secret,
    process::{Command, Misconfigured},
};
use clap::Parser;
use step_02_composition::ModulesConfig;
use step_04_client::NotifyConfig;
use step_05_client::{GrpcBacklog, config::BacklogUrls};

/// Automator without its messages and its tasks, which services with databases of their own have.
#[derive(Debug, Parser)]
#[command(name = "monolith-06", version)]
pub struct Config {
    /// What to do; serve, unless told.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What the modules need.
    #[command(flatten)]
    pub modules: ModulesConfig,
    /// Who takes messages.
    #[command(flatten)]
    pub notify: NotifyConfig,
    /// Who has tasks and rules.
    #[command(flatten)]
    pub backlog: BacklogUrls,
}

impl Config {
    /// Where the service `notify` is, and what it wants to be shown.
    ///
    /// # Errors
    /// One line, when that is not said.
    pub fn notify(&self) -> Result<(reqwest::Url, Secret), Misconfigured> {
        self.notify.service()?.ok_or_else(|| Misconfigured("NOTIFY_URL is not set".to_owned()))
    }

    /// A client of the service `backlog`, and the token that services show each other.
    ///
    /// # Errors
    /// One line, when no instance is named, or one that is none.
    pub fn backlog(&self) -> Result<(GrpcBacklog, Secret), Misconfigured> {
        let service = self.backlog.service(self.modules.server.host, self.notify.service_token.as_ref())?;
        service.ok_or_else(|| Misconfigured("BACKLOG_URLS is not set".to_owned()))
    }
}
