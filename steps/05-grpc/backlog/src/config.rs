//! What the environment says, checked before anything starts.

use std::{net::IpAddr, path::PathBuf};

use chassis::{auth::Secret, config::http_url, process::Command};
use clap::{ArgAction, Parser, builder::BoolishValueParser};
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
    /// TOML file with the repositories to track, in place of the built-in catalogue.
    #[arg(long, env, value_name = "AUTOMATOR_CATALOGUE")]
    pub automator_catalogue: Option<PathBuf>,
    /// Whether whoever is given a task gets a mail: 1 or 0.
    #[arg(
        long,
        env,
        value_name = "TELL_ASSIGNEES",
        action = ArgAction::Set,
        value_parser = BoolishValueParser::new(),
        default_value = "0"
    )]
    pub tell_assignees: bool,
}
