//! Puts the parts together and runs them.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use axum::{Router, middleware};
use chassis::{
    auth::{self, WriteToken},
    health::Health,
    metrics::Metrics,
    process,
    serve::{self, Stop},
    session::Sessions,
};
use domain::{Catalogue, Rice};
use sqlx::migrate::Migrator;
use store::{DatabaseUrl, Store, Tx, idempotency, query};
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::{
    api,
    config::{Config, ServerConfig},
    github::{client::Github, import::Importer},
    history::Who,
    notify::{Messenger, Outgoing, Patience},
    pages::{self, Pages},
    rules::actions::Ruler,
    sync::{self, OneSchema, Sink},
    tasks::StoredTask,
};

/// The migrations of step 01, all of them over one schema.
fn migrations() -> Migrator {
    sqlx::migrate!()
}

/// What every handler may use.
#[derive(Debug, Clone)]
pub struct State {
    /// The one database.
    pub store: Store,
    /// What is tracked.
    pub catalogue: Arc<Catalogue>,
    /// Shown by a write.
    pub token: WriteToken,
    /// Of those who write on pages.
    pub sessions: Sessions,
    /// Signs webhooks.
    pub webhook_secret: Option<chassis::auth::Secret>,
    /// Told when there is something to import.
    pub importer: Importer,
    /// Writes what GitHub says.
    pub sink: Arc<dyn Sink>,
    /// Takes messages over.
    pub outgoing: Arc<dyn Outgoing>,
    /// Told when a rule may have decided something.
    pub ruler: Ruler,
}

/// Does what `config` says; the exit code of the process.
#[must_use]
pub fn main(config: &Config) -> ExitCode {
    process::start(
        config.command,
        async || migrate(&config.database.database_url).await,
        async |stop| run(&config.database.database_url, &config.server, stop).await,
    )
}

/// Brings the database up to date.
///
/// # Errors
/// It cannot be opened, or a migration fails.
pub async fn migrate(url: &DatabaseUrl) -> anyhow::Result<()> {
    Ok(store::migrate(url, "monolith", migrations()).await?)
}

/// Serves until `stop`, and drains.
///
/// # Errors
/// The configuration is wrong, the database cannot be opened or was not migrated, or the port is taken.
pub async fn run(url: &DatabaseUrl, config: &ServerConfig, stop: Stop) -> anyhow::Result<()> {
    config.check_token()?;
    let store = Store::connect(url).await?;
    let messenger = Messenger::new(store.clone(), config.providers.providers()?, Patience::default());
    let sink = Arc::new(OneSchema(store.clone()));
    let state = open(store.clone(), config, sink, Arc::new(messenger.clone())).await?;
    let metrics = Metrics::new("monolith", env!("CARGO_PKG_VERSION"))?
        .asking("notifications_queued", QUEUED, {
            let messenger = messenger.clone();
            move || {
                let messenger = messenger.clone();
                async move { messenger.queued().await }
            }
        })?
        .asking("rule_actions_pending", PENDING, {
            let ruler = state.ruler.clone();
            move || {
                let ruler = ruler.clone();
                async move { ruler.pending().await }
            }
        })?;
    let health = store.health(stop.clone());
    let pages = Pages { source: Arc::new(state.clone()), sessions: state.sessions.clone() };
    let routes = Router::new().merge(api::router(&state, &[])).merge(pages::router(pages));
    let mut workers = work(&state, &stop);
    workers.spawn(messenger.run(stop.clone()).instrument(tracing::info_span!("messenger")));
    let router = framed(routes, config, health, &metrics);
    serve::run_with((config.host, config.port), router, stop, workers, async { store.close().await }).await
}

/// What the two gauges of queues say of themselves.
pub const QUEUED: &str = "Messages to people that wait to be sent.";
/// As above.
pub const PENDING: &str = "Actions that rules decided and nobody has done yet.";

/// The monolith over its database. What GitHub says goes into `sink`, messages go to `outgoing`.
///
/// # Errors
/// The configuration is wrong, or the database was not migrated.
pub async fn open(
    store: Store,
    config: &ServerConfig,
    sink: Arc<dyn Sink>,
    outgoing: Arc<dyn Outgoing>,
) -> anyhow::Result<State> {
    let catalogue = config.catalogue()?;
    track(&store, &catalogue)
        .await
        .context("the database is not ready; has `monolith-01 migrate` been run?")?;
    idempotency::forget_old(&store, api::IDEMPOTENCY_KEYS).await?;
    let github = match &config.github_token {
        Some(token) => Some(Github::new(&config.github_api_url, token.clone())?),
        None => None,
    };
    Ok(State {
        importer: Importer::new(store.clone(), github.clone(), sink.clone()),
        ruler: Ruler::new(store.clone(), github, outgoing.clone(), Patience::default()),
        sink,
        outgoing,
        catalogue: Arc::new(catalogue),
        sessions: sessions(config)?,
        token: config.automator_api_token.clone(),
        webhook_secret: config.github_webhook_secret.clone(),
        store,
    })
}

/// The sessions of pages.
///
/// # Errors
/// No random numbers.
pub fn sessions(config: &ServerConfig) -> anyhow::Result<Sessions> {
    Sessions::new(&config.automator_api_token)
        .map_err(|error| anyhow::anyhow!("no random numbers for sessions: {error}"))
}

/// Starts the workers: of the import and of the rules.
#[must_use]
pub fn work(state: &State, stop: &Stop) -> JoinSet<()> {
    let mut workers = JoinSet::new();
    workers.spawn(state.importer.clone().run(stop.clone()).instrument(tracing::info_span!("importer")));
    workers.spawn(state.ruler.clone().run(stop.clone()).instrument(tracing::info_span!("ruler")));
    workers
}

/// `routes` in their frame, with what the platform asks.
pub fn framed(routes: Router, config: &ServerConfig, health: Health, metrics: &Metrics) -> Router {
    let token = config.automator_api_token.clone();
    let routes = routes
        .merge(health.router())
        .merge(metrics.router())
        .layer(middleware::from_fn_with_state(token, auth::local_names));
    metrics.count(chassis::http::frame(routes).layer(middleware::from_fn(pages::in_words)))
}

/// Writes the catalogue into the database, and gives the tasks that follow their items the new reach.
async fn track(store: &Store, catalogue: &Catalogue) -> Result<(), store::Error> {
    let mut tx = store.begin_write().await?;
    for repository in sync::track(&mut tx, catalogue).await? {
        follow_reach(store, &mut tx, &repository.id, repository.reach).await?;
    }
    tx.commit().await
}

/// Gives the tasks of a repository whose factors follow their item the reach that a new base reach makes.
async fn follow_reach(
    store: &Store,
    tx: &mut Tx,
    repository_id: &str,
    base_reach: f64,
) -> Result<(), store::Error> {
    let items: Vec<(String, i64, i64)> = query(
        "SELECT t.id, i.comments, i.reactions FROM tasks t JOIN items i ON i.id = t.item_id \
         WHERE i.repository_id = $1 AND t.rice_set = 0 ORDER BY t.id",
    )
    .bind(repository_id)
    .fetch_all(&mut *tx)
    .await?;
    for (id, comments, reactions) in items {
        let Some(stored) = StoredTask::find(store, tx, &id).await? else { continue };
        let mut task = stored.clone();
        task.fields.follow_reach(Rice::reach_of_item(base_reach, comments, reactions));
        stored.become_like(&task, tx, Who::Catalogue).await?;
    }
    Ok(())
}
