//! What the environment says, checked before anything starts.

use std::net::IpAddr;

use automator_config::CatalogueConfig;
use chassis::process::Command;
use clap::Parser;
use step_07_service::MessagesConfig;
use store::config::DatabaseConfig;

/// Tasks and rules.
#[derive(Debug, Parser)]
#[command(name = "backlog", version)]
pub struct Config {
    /// What to do; serve, unless told.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Where its tables are.
    #[command(flatten)]
    pub database: DatabaseConfig,
    /// Address to listen on. Whoever reaches it has to show the token of services.
    #[arg(long, env, value_name = "HOST", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port to listen on.
    #[arg(long, env, value_name = "PORT", default_value_t = 8084)]
    pub port: u16,
    /// What is tracked.
    #[command(flatten)]
    pub catalogue: CatalogueConfig,
    /// Where messages go and come from, and what services show each other.
    #[command(flatten)]
    pub messages: MessagesConfig,
}
