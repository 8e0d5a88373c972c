//! Puts the parts together and runs them.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use chassis::{
    auth::Secret,
    metrics::Metrics,
    process::{self, Misconfigured},
    serve::{self, Stop},
};
use solution_04_first_service::http_notify::{HttpNotify, Service};
use step_01_monolith::{app::PENDING, config};
use step_02_backlog::{self as module, Module, Ports};
use step_02_bus::Bus;
use step_02_contracts::Handler;
use store::{DatabaseUrl, Store};
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::{
    config::{Config, ServerConfig},
    monolith::Monolith,
    server,
};

/// Does what `config` says; the exit code of the process.
#[must_use]
pub fn main(config: &Config) -> ExitCode {
    process::start(
        config.command,
        async || migrate(&config.database.database_url).await,
        async |stop| run(&config.database.database_url, &config.server, stop).await,
    )
}

/// Brings the tables of tasks and rules up to date.
///
/// # Errors
/// The database cannot be opened, or a migration fails.
pub async fn migrate(url: &DatabaseUrl) -> anyhow::Result<()> {
    Ok(store::migrate(url, "backlog", module::migrations()).await?)
}

/// Serves and does what rules decided until `stop`, and drains.
///
/// # Errors
/// The configuration is wrong, the database cannot be opened or was not migrated, or the port is taken.
pub async fn run(url: &DatabaseUrl, config: &ServerConfig, stop: Stop) -> anyhow::Result<()> {
    let token =
        config.service_token.clone().ok_or_else(|| Misconfigured("SERVICE_TOKEN is not set".to_owned()))?;
    let bus = Arc::new(Bus::default());
    let store = Store::connect(url).await?.recording(bus.clone());
    let catalogue = Arc::new(config::catalogue(config.automator_catalogue.as_deref())?);
    let module = Module::new(store.clone(), catalogue, ports(config, &token)?, config.tell_assignees)
        .await
        .context("the database is not ready; has `migrate` been run?")?;
    if config.tell_assignees {
        bus.listen(vec![module.mails()]);
    }
    let health = store.health(stop.clone());
    let queue = module.clone();
    let metrics = Metrics::new("backlog", env!("CARGO_PKG_VERSION"))?.asking(
        "rule_actions_pending",
        PENDING,
        move || {
            let queue = queue.clone();
            async move { queue.pending().await }
        },
    )?;
    let handler: Arc<dyn Handler> = Arc::new(module.clone());
    let service = server::service(Arc::new(module.clone()), handler, token);
    let (router, health) = server::router(service, health, stop.clone())?;
    let mut workers = JoinSet::new();
    workers.spawn(health);
    workers.spawn(module.run(stop.clone()).instrument(tracing::info_span!("backlog")));
    let last = async {
        bus.settled().await;
        store.close().await;
    };
    serve::run_with((config.host, config.port), router.merge(metrics.router()), stop, workers, last).await
}

/// Whom backlog asks.
fn ports(config: &ServerConfig, token: &Secret) -> anyhow::Result<Ports> {
    let monolith = Service::new("the monolith", config.monolith_url.clone(), token.clone())?;
    let monolith = Arc::new(Monolith(monolith));
    let notify = HttpNotify::new(config.notify_url.clone(), token.clone())?;
    Ok(Ports { github: monolith.clone(), team: monolith, notify: Arc::new(notify) })
}
