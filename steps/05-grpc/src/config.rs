//! What the environment says, checked before anything starts.

use chassis::{
    auth::{self, Secret},
    config::http_url,
    process::{Command, Misconfigured},
};
use clap::Parser;
use step_02_composition::ModulesConfig;
use step_04_client::NotifyConfig;
use step_05_client::GrpcBacklog;

/// Automator without its messages and its tasks, where the environment says who has them.
#[derive(Debug, Parser)]
#[command(name = "monolith-05", version)]
pub struct Config {
    /// What to do; serve, unless told.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What the modules need.
    #[command(flatten)]
    pub modules: ModulesConfig,
    /// Who takes messages; the module in this process, where the environment does not say.
    #[command(flatten)]
    pub notify: NotifyConfig,
    /// The instances of the service `backlog`, a comma between two. Without one, tasks and rules are a module of this process, as
    /// in step 02: one setting undoes the split.
    #[arg(long, env, value_name = "BACKLOG_URLS", value_delimiter = ',', value_parser = http_url)]
    pub backlog_urls: Vec<reqwest::Url>,
}

impl Config {
    /// A client of the service `backlog` with the token that services show each other; `None` where tasks stay in the process.
    ///
    /// # Errors
    /// One line, when there is an address and no token, or one that is none; or one that others could try.
    pub fn backlog_service(&self) -> Result<Option<(GrpcBacklog, Secret)>, Misconfigured> {
        if self.backlog_urls.is_empty() {
            return Ok(None);
        }
        let missing = || Misconfigured("BACKLOG_URLS is set, but SERVICE_TOKEN is not".to_owned());
        let token = self.notify.service_token.clone().ok_or_else(missing)?;
        auth::services_may_ask(self.modules.server.host, Some(&token))?;
        let client = GrpcBacklog::new(&self.backlog_urls, &token)
            .map_err(|error| Misconfigured(format!("BACKLOG_URLS: {error}")))?;
        Ok(Some((client, token)))
    }
}
