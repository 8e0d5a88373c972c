//! What the environment says, checked before anything starts.

use automator_config::{CatalogueConfig, ServerConfig};
use automator_github::config::GithubConfig;
use automator_messages::config::ProvidersConfig;
use chassis::process::Command;
use clap::Parser;
use store::config::DatabaseConfig;

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
    /// Where it listens.
    #[command(flatten)]
    pub server: ServerConfig,
    /// What is tracked.
    #[command(flatten)]
    pub catalogue: CatalogueConfig,
    /// Where GitHub is.
    #[command(flatten)]
    pub github: GithubConfig,
    /// Where mails and text messages go.
    #[command(flatten)]
    pub providers: ProvidersConfig,
}
