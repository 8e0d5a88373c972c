//! What the environment says, checked before anything starts.

use chassis::{auth::Secret, config::http_url, process::Misconfigured};
use clap::Parser;
use step_04_first_service::config as earlier;

/// Automator without its messages and its tasks, where the environment says who has them.
#[derive(Debug, Parser)]
#[command(name = "monolith-05", version)]
#[group(id = "monolith-05")] // clap names groups after types, and the one inside is called Config too
pub struct Config {
    /// The same as in step 04.
    #[command(flatten)]
    pub earlier: earlier::Config,
    /// The instances of the service `backlog`, a comma between two. Without one, tasks and rules are a module of this process, as
    /// in step 02: one setting undoes the split.
    #[arg(long, env, value_name = "BACKLOG_URLS", value_delimiter = ',', value_parser = http_url)]
    pub backlog_urls: Vec<reqwest::Url>,
}

impl Config {
    /// The token that services show each other, where `backlog` is one; `None` where tasks stay in the process.
    ///
    /// # Errors
    /// One line, when there is an address and no token.
    pub fn backlog_token(&self) -> Result<Option<Secret>, Misconfigured> {
        match (self.backlog_urls.is_empty(), &self.earlier.notify.service_token) {
            (true, _) => Ok(None),
            (false, Some(token)) => Ok(Some(token.clone())),
            (false, None) => Err(Misconfigured("BACKLOG_URLS is set, but SERVICE_TOKEN is not".to_owned())),
        }
    }
}
