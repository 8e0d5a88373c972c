//! Puts the monolith of this step together and runs it.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use chassis::{process, serve::Stop};
use futures::FutureExt;
use step_02_contracts::Notify;
use step_02_modules::app::{self, Wiring};
use store::Store;
use tracing::Instrument;

use crate::{config::Config, handover::Handover, pieces::http_notify::HttpNotify};

/// Does what `config` says; the exit code of the process.
#[must_use]
pub fn main(config: &Config) -> ExitCode {
    process::start(
        config.modules.command,
        async || migrate(config).await,
        async |stop| run(config, stop).await,
    )
}

/// Brings every table up to date: those of messages too, since the service still keeps them in the same database.
///
/// # Errors
/// A database cannot be opened, or a migration fails.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    let databases = &config.modules.databases;
    app::migrate(databases).await?;
    let store = Store::connect(&databases.database_url).await?;
    store.migrate("handover", Handover::migrations()).await?;
    store.close().await;
    Ok(())
}

/// Serves until `stop`, and drains.
///
/// # Errors
/// The configuration is wrong, a database cannot be opened or was not migrated, or the port is taken.
pub async fn run(config: &Config, stop: Stop) -> anyhow::Result<()> {
    let wiring = wiring(config, &stop).await?;
    app::run_with(&config.modules, stop, wiring).await
}

/// What this step has in another process, where its configuration says so.
///
/// # Errors
/// The configuration is wrong, or the database was not migrated.
pub async fn wiring(config: &Config, stop: &Stop) -> anyhow::Result<Wiring> {
    let Some((url, token)) = config.notify.service()? else { return Ok(Wiring::default()) };
    let store = Store::connect(&config.modules.databases.database_url).await?;
    let notify: Arc<dyn Notify> = Arc::new(HttpNotify::new(url, token)?);
    outside(store, notify, stop).await.context("the database is not ready; has `migrate` been run?")
}

/// Messages go to `notify`. Rules keep in their own rows what it does not take; for digests, [`Handover`] does.
async fn outside(store: Store, notify: Arc<dyn Notify>, stop: &Stop) -> Result<Wiring, store::Error> {
    let digests = Arc::new(Handover::new(store.clone(), notify.clone()).await?);
    let worker = digests.clone().run(stop.clone()).instrument(tracing::info_span!("handover"));
    let worker = async move {
        worker.await;
        store.close().await;
    };
    let workers = vec![worker.boxed()];
    Ok(Wiring { notify: Some(notify), digests: Some(digests), workers, ..Wiring::default() })
}
