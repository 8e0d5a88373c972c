//! Each module over its own tables, as the environment wants it. Whom it asks, and who hears it, is up to the composition root.

use std::sync::Arc;

use anyhow::Context;
use step_02_backlog as backlog;
use step_02_github as github;
use step_02_insights as insights;
use step_02_notify as notify;
use step_02_team as team;

use crate::{ModulesConfig, Stores};

/// What a process says when its database was not migrated.
const NOT_READY: &str = "the database is not ready; has `migrate` been run?";

/// Who is in the team.
///
/// # Errors
/// Its database was not migrated.
pub async fn team(stores: &Stores) -> anyhow::Result<Arc<team::Module>> {
    let module = team::Module::new(stores.team.clone()).await;
    Ok(Arc::new(module.context(NOT_READY)?))
}

/// What GitHub says.
///
/// # Errors
/// The configuration is wrong, or its database was not migrated.
pub async fn github(config: &ModulesConfig, stores: &Stores) -> anyhow::Result<Arc<github::Module>> {
    let (catalogue, client) = (Arc::new(config.catalogue.catalogue()?), config.github.client()?);
    let module = github::Module::new(stores.github.clone(), catalogue, client).await;
    Ok(Arc::new(module.context(NOT_READY)?))
}

/// The measures.
///
/// # Errors
/// As [`github`].
pub async fn insights(config: &ModulesConfig, stores: &Stores) -> anyhow::Result<Arc<insights::Module>> {
    let catalogue = Arc::new(config.catalogue.catalogue()?);
    let module = insights::Module::new(stores.insights.clone(), catalogue).await;
    Ok(Arc::new(module.context(NOT_READY)?))
}

/// Messages to people.
///
/// # Errors
/// As [`github`].
pub async fn notify(config: &ModulesConfig, stores: &Stores) -> anyhow::Result<Arc<notify::Module>> {
    let module = notify::Module::new(stores.notify.clone(), config.providers.providers()?).await;
    Ok(Arc::new(module.context(NOT_READY)?))
}

/// What the team has to do, asking through `ports`.
///
/// # Errors
/// As [`github`].
pub async fn backlog(
    config: &ModulesConfig,
    stores: &Stores,
    ports: backlog::Ports,
) -> anyhow::Result<Arc<backlog::Module>> {
    let catalogue = Arc::new(config.catalogue.catalogue()?);
    let module = backlog::Module::new(stores.backlog.clone(), catalogue, ports, &config.backlog).await;
    Ok(Arc::new(module.context(NOT_READY)?))
}
