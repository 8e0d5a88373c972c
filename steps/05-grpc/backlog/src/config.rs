//! What the environment says, checked before anything starts.

use std::net::IpAddr;

use automator_config::CatalogueConfig;
use chassis::{auth::Secret, config::http_url, process::Command};
use clap::Parser;
use step_02_backlog::config::BacklogConfig;
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
    /// What the server needs beyond the database.
    #[command(flatten)]
    pub server: ServerConfig,
    /// What is tracked.
    #[command(flatten)]
    pub catalogue: CatalogueConfig,
    /// What assignments do.
    #[command(flatten)]
    pub backlog: BacklogConfig,
}

/// Configuration of the server.
#[derive(Debug, Clone, clap::Args)]
pub struct ServerConfig {
    /// Address to listen on. Whoever reaches it has to show the token of services.
    #[arg(long, env, value_name = "HOST", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port to listen on.
    #[arg(long, env, value_name = "PORT", default_value_t = 8084)]
    pub port: u16,
    /// Token that our services show each other; without it nobody is answered.
    #[arg(long, env, hide_env_values = true, value_name = "SERVICE_TOKEN")]
    pub service_token: Option<Secret>,
    /// Where the monolith is, which has items and the team.
    #[arg(long, env, value_name = "MONOLITH_URL", value_parser = http_url, default_value = "http://127.0.0.1:8081")]
    pub monolith_url: reqwest::Url,
    /// Where messages are taken.
    #[arg(long, env, value_name = "NOTIFY_URL", value_parser = http_url, default_value = "http://127.0.0.1:8083")]
    pub notify_url: reqwest::Url,
}
