//! What the composition roots of this step and of later ones have in common: the configuration of the modules ([`ModulesConfig`]),
//! their databases, opened ([`Stores`]), brought up to date ([`migrate`]) or found wanting ([`lacks`]), with what step 01 wrote taken over ([`take_over`]); and
//! their routes ([`routes`]).

mod config;
mod routes;
mod stores;
pub mod take_over;

pub use config::{Databases, ModulesConfig};
pub use routes::routes;
pub use stores::{Stores, lacks};

/// What a process says when its database was not migrated.
pub const NOT_READY: &str = "the database is not ready; has `migrate` been run?";

/// Brings every module's tables up to date, and takes over what step 01 wrote.
///
/// # Errors
/// A database cannot be opened, or a migration fails.
pub async fn migrate(databases: &Databases) -> anyhow::Result<()> {
    let stores = Stores::open(databases, None).await?;
    let is_new = take_over::has_no_rules(&stores).await;
    stores.migrate().await?;
    if is_new {
        step_02_backlog::ship_rules(&stores.backlog).await?;
    }
    take_over::run(databases, &stores).await?;
    stores.close().await;
    tracing::info!(database = databases.database_url.place(), "the database is up to date");
    Ok(())
}
