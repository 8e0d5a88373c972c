//! What the composition roots of this step and of later ones have in common: the configuration of the modules ([`ModulesConfig`]),
//! their databases, opened ([`Stores`]), brought up to date ([`migrate`]) or found wanting ([`lacks`]), with what step 01 wrote taken
//! over ([`take_over`]); each module over its own ([`modules`]), their routes ([`routes()`]), and what is around them in a process
//! ([`Frame`]).

mod config;
mod frame;
pub mod modules;
mod routes;
mod stores;
pub mod take_over;

pub use config::{Databases, ModulesConfig};
pub use frame::Frame;
pub use routes::{Ports, routes};
pub use stores::{Stores, lacks};

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
