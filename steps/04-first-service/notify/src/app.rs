//! Puts the parts together and runs them.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use axum::{Json, Router, middleware, routing::get};
use chassis::{
    auth, http,
    metrics::Metrics,
    process,
    serve::{self, Stop},
};
use step_01_monolith::{
    api::{self, LONGEST_BODY},
    app::QUEUED,
};
use step_02_contracts::Notify;
use step_02_notify as module;
use store::{DatabaseUrl, Store};
use tokio::task::JoinSet;
use tracing::Instrument;
use utoipa::OpenApi;

use crate::{
    config::{Config, ServerConfig},
    internal,
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

/// Brings the tables of messages up to date.
///
/// # Errors
/// The database cannot be opened, or a migration fails.
pub async fn migrate(url: &DatabaseUrl) -> anyhow::Result<()> {
    Ok(store::migrate(url, "notify", module::migrations()).await?)
}

/// Serves and delivers until `stop`, and drains.
///
/// # Errors
/// The configuration is wrong, the database cannot be opened or was not migrated, or the port is taken.
pub async fn run(url: &DatabaseUrl, config: &ServerConfig, stop: Stop) -> anyhow::Result<()> {
    auth::may_listen(config.host, &config.automator_api_token)?;
    let store = Store::connect(url).await?;
    let notify = module::Module::new(store.clone(), config.providers.providers()?)
        .await
        .context("the database is not ready; has `notify migrate` been run?")?;
    let health = store.health(stop.clone());
    let queue = notify.clone();
    let metrics = Metrics::new("notify", env!("CARGO_PKG_VERSION"))?.asking(
        "notifications_queued",
        QUEUED,
        move || {
            let queue = queue.clone();
            async move { queue.queued().await }
        },
    )?;
    let routes = routes(Arc::new(notify.clone()), config)
        .merge(health.router())
        .merge(metrics.router())
        .layer(middleware::from_fn_with_state(config.automator_api_token.clone(), auth::local_names));
    let router = metrics.count(http::frame(routes));
    let mut workers = JoinSet::new();
    workers.spawn(notify.run(stop.clone()).instrument(tracing::info_span!("notify")));
    serve::run_with((config.host, config.port), router, stop, workers, async { store.close().await }).await
}

/// What clients ask, and what services ask.
fn routes(notify: Arc<dyn Notify>, config: &ServerConfig) -> Router {
    let document = api::document_of_messages().merge_from(internal::Document::openapi());
    http::guarded(module::router(notify.clone()), config.automator_api_token.clone(), LONGEST_BODY)
        .merge(internal::router(notify, config.service_token.clone()))
        .route("/openapi.json", get(move || async move { Json(document) }))
}
