//! What the environment says, checked before anything starts.

use automator_config::{CatalogueConfig, ServerConfig};
use chassis::process;
use clap::{Parser, Subcommand};
use step_07_service::MessagesConfig;
use store::config::DatabaseConfig;

/// What it is started for.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Command {
    /// Serve, or migrate.
    #[command(flatten)]
    Process(process::Command),
    /// Throw the read models away and begin at the beginning of the feed; then end. The service that runs makes them again.
    Rebuild,
}

/// How long the community waits, and who of it contributes.
#[derive(Debug, Parser)]
#[command(name = "insights", version)]
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
    /// Where messages come from, and what services show each other.
    #[command(flatten)]
    pub messages: MessagesConfig,
}
