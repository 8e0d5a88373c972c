//! What the environment says, checked before anything starts.

use chassis::{auth::Secret, config::http_url, process::Misconfigured};
use clap::Parser;
use step_02_modules::config as modules;

/// Automator without its messages, where `NOTIFY_URL` says who has them; else with them.
#[derive(Debug, Parser)]
#[command(name = "monolith-04", version)]
#[group(id = "monolith-04")] // clap names groups after types, and the one inside is called Config too
pub struct Config {
    /// What the modules need: the same as in step 02.
    #[command(flatten)]
    pub modules: modules::Config,
    /// Who takes messages.
    #[command(flatten)]
    pub notify: Notify,
}

/// Where the service `notify` is.
#[derive(Debug, Clone, clap::Args)]
pub struct Notify {
    /// Its address. Without it, messages are queued and delivered in this process, as in step 02: one setting undoes the split.
    #[arg(long, env, value_name = "NOTIFY_URL", value_parser = http_url)]
    pub notify_url: Option<reqwest::Url>,
    /// Token that our services show each other.
    #[arg(long, env, hide_env_values = true, value_name = "SERVICE_TOKEN")]
    pub service_token: Option<Secret>,
}

impl Notify {
    /// The service's address and what it wants to be shown; `None` where messages stay in the process.
    ///
    /// # Errors
    /// One line, when there is an address and no token.
    pub fn service(&self) -> Result<Option<(reqwest::Url, Secret)>, Misconfigured> {
        match (&self.notify_url, &self.service_token) {
            (None, _) => Ok(None),
            (Some(url), Some(token)) => Ok(Some((url.clone(), token.clone()))),
            (Some(_), None) => Err(Misconfigured("NOTIFY_URL is set, but SERVICE_TOKEN is not".to_owned())),
        }
    }
}
