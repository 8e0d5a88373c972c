//! What the environment says, checked before anything starts.

use std::net::IpAddr;

use chassis::{auth::Secret, process::Command};
use clap::Parser;
use store::config::DatabaseConfig;

/// The messages of all services in one order.
#[derive(Debug, Parser)]
#[command(name = "feed", version)]
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
    /// Address to listen on.
    #[arg(long, env, value_name = "HOST", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port to listen on.
    #[arg(long, env, value_name = "PORT", default_value_t = 8087)]
    pub port: u16,
    /// Token that a service has to show for anything.
    #[arg(long, env, hide_env_values = true, value_name = "SERVICE_TOKEN")]
    pub service_token: Option<Secret>,
}
