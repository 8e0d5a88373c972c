//! The database in the configuration of a process.

use clap::Args;

use crate::DatabaseUrl;

/// Where a process keeps its tables.
#[derive(Debug, Clone, Args)]
pub struct DatabaseConfig {
    /// `sqlite://FILE` or `postgres://USER:PASSWORD@HOST/NAME`.
    #[arg(
        long,
        env,
        hide_env_values = true,
        value_name = "DATABASE_URL",
        default_value = "sqlite://automator.db"
    )]
    pub database_url: DatabaseUrl,
}
