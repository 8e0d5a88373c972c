//! What the environment says, checked before anything starts.

use chassis::process::Command;
use clap::{ArgAction, Parser, builder::BoolishValueParser};
use step_01_monolith::config::ServerConfig;
use store::DatabaseUrl;

/// Automator, in modules, in one process.
#[derive(Debug, Parser)]
#[command(name = "monolith-02", version)]
pub struct Config {
    /// What to do; serve, unless told.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Where the modules keep their tables.
    #[command(flatten)]
    pub databases: Databases,
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
    /// What the server needs beyond the databases: the same as in step 01.
    #[command(flatten)]
    pub server: ServerConfig,
}

/// One database for all modules, or one for each.
#[derive(Debug, Clone, clap::Args)]
pub struct Databases {
    /// `sqlite://FILE` or `postgres://USER:PASSWORD@HOST/NAME`: of every module that has none of its own.
    #[arg(
        long,
        env,
        hide_env_values = true,
        value_name = "DATABASE_URL",
        default_value = "sqlite://automator.db"
    )]
    pub database_url: DatabaseUrl,
    /// The backlog's own.
    #[arg(long, env, hide_env_values = true, value_name = "BACKLOG_DATABASE_URL")]
    pub backlog_database_url: Option<DatabaseUrl>,
    /// GitHub's side's own.
    #[arg(long, env, hide_env_values = true, value_name = "GITHUB_DATABASE_URL")]
    pub github_database_url: Option<DatabaseUrl>,
    /// The read models' own.
    #[arg(long, env, hide_env_values = true, value_name = "INSIGHTS_DATABASE_URL")]
    pub insights_database_url: Option<DatabaseUrl>,
    /// The messages' own.
    #[arg(long, env, hide_env_values = true, value_name = "NOTIFY_DATABASE_URL")]
    pub notify_database_url: Option<DatabaseUrl>,
    /// The team's own.
    #[arg(long, env, hide_env_values = true, value_name = "TEAM_DATABASE_URL")]
    pub team_database_url: Option<DatabaseUrl>,
}

impl Databases {
    /// Whether every module keeps its tables in the one database.
    #[must_use]
    pub fn are_shared(&self) -> bool {
        let own = [
            &self.backlog_database_url,
            &self.github_database_url,
            &self.insights_database_url,
            &self.notify_database_url,
            &self.team_database_url,
        ];
        own.into_iter().all(Option::is_none)
    }
}
