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
pub use stores::{MODULES, Stores, lacks};

/// Brings the tables of those `modules` up to date that the process has; where it has all, takes over what step 01 wrote.
///
/// # Errors
/// A database cannot be opened, or a migration fails.
pub async fn migrate(databases: &Databases, modules: &[&str]) -> anyhow::Result<()> {
    let stores = Stores::open(databases, None).await?;
    let had_rules = step_02_backlog::has_rules(&stores.backlog).await?;
    stores.migrate(modules).await?;
    if modules.contains(&"backlog") && !had_rules {
        step_02_backlog::ship_rules(&stores.backlog).await?;
    }
    if MODULES.iter().all(|module| modules.contains(module)) {
        take_over::run(databases, &stores).await?;
    }
    stores.close().await;
    tracing::info!(database = databases.database_url.place(), "the database is up to date");
    Ok(())
}
