//! What the environment says, checked before anything starts.

use std::net::IpAddr;

use automator_messages::config::ProvidersConfig;
use chassis::{auth::Secret, process::Command};
use clap::Parser;
use store::config::DatabaseConfig;

/// Messages to people, and their delivery.
#[derive(Debug, Parser)]
#[command(name = "notify", version)]
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
    #[arg(long, env, value_name = "PORT", default_value_t = 8083)]
    pub port: u16,
    /// Token that a client's write has to show.
    #[arg(long, env, hide_env_values = true, value_name = "AUTOMATOR_API_TOKEN")]
    pub automator_api_token: Option<Secret>,
    /// Names by which clients may call the process, with commas, where a token is set. Any, unless told.
    #[arg(long, env, value_name = "ALLOWED_HOSTS", value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,
    /// Token that another service has to show for anything; without it no service is answered.
    #[arg(long, env, hide_env_values = true, value_name = "SERVICE_TOKEN")]
    pub service_token: Option<Secret>,
    /// Where mails and text messages go.
    #[command(flatten)]
    pub providers: ProvidersConfig,
}
