//! Two stops between step 01 and step 02: the monolith with some of its contexts in modules already (pattern: *Branch by
//! Abstraction*).
//!
//! Nobody rewrites a running system in one go. Each stop takes a database of the one before, passes the whole acceptance suite,
//! and could be where the team ships for a month. What is not out yet is step 01's code, unchanged; what is out is the module
//! that step 02 has. Where the monolith did something itself that a module does now, the stop puts the port between them: that is
//! the abstraction, and it stands here, not in step 01. A stop is one file, and is thrown away with the next; what is still the
//! monolith at both is [`monolith`].
//!
//! This folder is the only place of this step that knows step 01's code.

mod monolith;
pub mod notify_out;
pub mod team_out;

use step_01_monolith::config::Config as MonolithConfig;

use crate::config::Config;

/// What the monolith in a stop is told.
fn told(config: &Config) -> MonolithConfig {
    let modules = &config.modules;
    MonolithConfig {
        command: config.command,
        database: store::config::DatabaseConfig { database_url: modules.databases.database_url.clone() },
        server: modules.server.clone(),
        catalogue: modules.catalogue.clone(),
        github: modules.github.clone(),
        providers: modules.providers.clone(),
    }
}
