//! What the environment says, checked before anything starts.

use automator_config::{CatalogueConfig, ServerConfig};
use chassis::config::http_url;
use clap::Parser;
use step_02_backlog::config::BacklogConfig;
use step_07_service::{MessagesConfig, command::Command};
use store::config::DatabaseConfig;

/// Pages, digests and the team.
#[derive(Debug, Parser)]
#[command(name = "web", version)]
pub struct Config {
    /// What to do; serve, unless told.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Where its tables are.
    #[command(flatten)]
    pub database: DatabaseConfig,
    /// Where it listens.
    #[command(flatten)]
    pub server: ServerConfig,
    /// What is tracked.
    #[command(flatten)]
    pub catalogue: CatalogueConfig,
    /// What assignments do.
    #[command(flatten)]
    pub backlog: BacklogConfig,
    /// Where messages go and come from, and what services show each other.
    #[command(flatten)]
    pub messages: MessagesConfig,
    /// Whom it asks.
    #[command(flatten)]
    pub asked: AskedConfig,
}

/// Where those are whom it asks.
#[derive(Debug, Clone, clap::Args)]
pub struct AskedConfig {
    /// The instances of the service `backlog`, a comma between two.
    #[arg(long, env, value_name = "BACKLOG_URLS", value_delimiter = ',', value_parser = http_url, default_value = "http://127.0.0.1:8084")]
    pub backlog_urls: Vec<reqwest::Url>,
    /// Where items are, for what the community waits for.
    #[arg(long, env, value_name = "GITHUB_URL", value_parser = http_url, default_value = "http://127.0.0.1:8085")]
    pub github_url: reqwest::Url,
    /// Where measures are.
    #[arg(long, env, value_name = "INSIGHTS_URL", value_parser = http_url, default_value = "http://127.0.0.1:8086")]
    pub insights_url: reqwest::Url,
    /// Where messages are taken.
    #[arg(long, env, value_name = "NOTIFY_URL", value_parser = http_url, default_value = "http://127.0.0.1:8083")]
    pub notify_url: reqwest::Url,
}
