//! What the environment says, checked before anything starts.

use automator_config::{CatalogueConfig, ServerConfig};
use automator_github::config::GithubConfig;
use clap::Parser;
use step_07_service::{MessagesConfig, command::Command};
use store::config::DatabaseConfig;

/// What GitHub says.
#[derive(Debug, Parser)]
#[command(name = "github", version)]
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
    /// Where GitHub is.
    #[command(flatten)]
    pub github: GithubConfig,
    /// Where messages go and come from, and what services show each other.
    #[command(flatten)]
    pub messages: MessagesConfig,
}
