//! What the environment says to a process that has all modules, or some of them.

use automator_config::{CatalogueConfig, ServerConfig};
use automator_github::config::GithubConfig;
use automator_messages::config::ProvidersConfig;
use step_02_backlog::config::BacklogConfig;
use store::DatabaseUrl;

/// What the modules need.
#[derive(Debug, Clone, clap::Args)]
pub struct ModulesConfig {
    /// Where they keep their tables.
    #[command(flatten)]
    pub databases: Databases,
    /// What assignments do.
    #[command(flatten)]
    pub backlog: BacklogConfig,
    /// Where the process listens.
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
