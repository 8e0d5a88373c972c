//! What the environment says, checked before anything starts.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use chassis::{
    auth::{self, Secret},
    config::http_url,
    process::{Command, Misconfigured},
};
use clap::Parser;
use domain::{Catalogue, catalogue::CatalogueError};
use store::config::DatabaseConfig;

use crate::notify::{Providers, sendgrid::SendGrid, twilio::Twilio};

/// Automator, all of it in one process.
#[derive(Debug, Parser)]
#[command(name = "monolith-01", version)]
pub struct Config {
    /// What to do; serve, unless told.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Where its tables are.
    #[command(flatten)]
    pub database: DatabaseConfig,
    /// What the server needs beyond the database.
    #[command(flatten)]
    pub server: ServerConfig,
}

/// Configuration of the server.
#[derive(Debug, Clone, clap::Args)]
pub struct ServerConfig {
    /// Address to listen on. Other machines reach the process only with a token configured.
    #[arg(long, env, value_name = "HOST", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port to listen on.
    #[arg(long, env, value_name = "PORT", default_value_t = 8080)]
    pub port: u16,
    /// Token that a write has to show.
    #[arg(long, env, hide_env_values = true, value_name = "AUTOMATOR_API_TOKEN")]
    pub automator_api_token: Option<Secret>,
    /// TOML file with the repositories to track, in place of the built-in catalogue.
    #[arg(long, env, value_name = "AUTOMATOR_CATALOGUE")]
    pub automator_catalogue: Option<PathBuf>,
    /// Secret with which GitHub signs webhooks; without it every webhook is refused.
    #[arg(long, env, hide_env_values = true, value_name = "GITHUB_WEBHOOK_SECRET")]
    pub github_webhook_secret: Option<Secret>,
    /// Token with which we ask GitHub; without it an import fails.
    #[arg(long, env, hide_env_values = true, value_name = "GITHUB_TOKEN")]
    pub github_token: Option<Secret>,
    /// Where GitHub's API is.
    #[arg(long, env, value_name = "GITHUB_API_URL", default_value = "https://api.github.com", value_parser = http_url)]
    pub github_api_url: reqwest::Url,
    /// Where mails and text messages go.
    #[command(flatten)]
    pub providers: ProvidersConfig,
}

/// Configuration of the providers of messages. One whose credentials are missing refuses its messages.
#[derive(Debug, Clone, clap::Args)]
pub struct ProvidersConfig {
    /// Key with which we ask SendGrid.
    #[arg(long, env, hide_env_values = true, value_name = "SENDGRID_API_KEY")]
    sendgrid_api_key: Option<Secret>,
    /// Where SendGrid's API is.
    #[arg(long, env, value_name = "SENDGRID_API_URL", default_value = "https://api.sendgrid.com", value_parser = http_url)]
    sendgrid_api_url: reqwest::Url,
    /// Address that mails come from.
    #[arg(long, env, value_name = "MAIL_FROM")]
    mail_from: Option<String>,
    /// Account at Twilio.
    #[arg(long, env, value_name = "TWILIO_ACCOUNT_SID")]
    twilio_account_sid: Option<String>,
    /// Token of that account.
    #[arg(long, env, hide_env_values = true, value_name = "TWILIO_AUTH_TOKEN")]
    twilio_auth_token: Option<Secret>,
    /// Where Twilio's API is.
    #[arg(long, env, value_name = "TWILIO_API_URL", default_value = "https://api.twilio.com", value_parser = http_url)]
    twilio_api_url: reqwest::Url,
    /// Number that text messages come from, in E.164.
    #[arg(long, env, value_name = "SMS_FROM")]
    sms_from: Option<String>,
}

impl ProvidersConfig {
    /// The providers that have credentials.
    ///
    /// # Errors
    /// One line, when a provider has credentials and lacks the rest; no certificate store.
    pub fn providers(&self) -> anyhow::Result<Providers> {
        let mail = match (&self.sendgrid_api_key, &self.mail_from) {
            (Some(key), Some(from)) => {
                Some(SendGrid::new(&self.sendgrid_api_url, key.clone(), from.clone())?)
            }
            (Some(_), None) => return Err(lacks("SENDGRID_API_KEY", "MAIL_FROM")),
            (None, _) => None,
        };
        let text = match (&self.twilio_account_sid, &self.twilio_auth_token, &self.sms_from) {
            (Some(account), Some(token), Some(from)) => {
                Some(Twilio::new(&self.twilio_api_url, account.clone(), token.clone(), from.clone())?)
            }
            (Some(_), None, _) => return Err(lacks("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")),
            (Some(_), _, None) => return Err(lacks("TWILIO_ACCOUNT_SID", "SMS_FROM")),
            (None, ..) => None,
        };
        Ok(Providers { mail, text })
    }
}

fn lacks(given: &str, missing: &str) -> anyhow::Error {
    Misconfigured(format!("{given} is set, but {missing} is not")).into()
}

impl ServerConfig {
    /// The repositories to track.
    ///
    /// # Errors
    /// One line that names the variable and what is wrong.
    pub fn catalogue(&self) -> Result<Catalogue, Misconfigured> {
        catalogue(self.automator_catalogue.as_deref())
    }

    /// Whether the process may listen where it was told to.
    ///
    /// # Errors
    /// One line, when other machines could write without a token.
    pub fn check_token(&self) -> Result<(), Misconfigured> {
        auth::may_listen(self.host, &self.automator_api_token)
    }
}

/// The repositories to track: those of the file at `path`, or the built-in ones.
///
/// # Errors
/// One line that names the variable and what is wrong.
pub fn catalogue(path: Option<&Path>) -> Result<Catalogue, Misconfigured> {
    let Some(path) = path else { return Ok(Catalogue::builtin()) };
    let refused = |reason: String| {
        // TOML's message draws the place over several lines; one is what a log can hold.
        let reason: Vec<_> = reason.split_whitespace().collect();
        Misconfigured(format!(
            "invalid value '{}' for 'AUTOMATOR_CATALOGUE': {}",
            path.display(),
            reason.join(" ")
        ))
    };
    let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    text.parse().map_err(|error: CatalogueError| refused(error.to_string()))
}
