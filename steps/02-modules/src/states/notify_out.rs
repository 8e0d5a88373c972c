//! First stop: messages are a module, everything else is the monolith.
//!
//! `notify` goes first because it is a leaf: others ask it, it asks nobody. The monolith handed messages over in one place
//! already ([`Outgoing`]), so it does not notice who takes them.

use std::{fmt, process::ExitCode, sync::Arc};

use async_trait::async_trait;
use axum::Router;
use chassis::{
    http::guarded,
    metrics::Metrics,
    process,
    serve::{self, Stop},
};
use domain::{Message, Notification};
use step_01_monolith::{
    api::{self, LONGEST_BODY, Part},
    app,
    config::ServerConfig,
    notify::Outgoing,
    pages::{self, Pages},
    sync::OneSchema,
};
use step_02_contracts::{Ctx, Fault, IdempotencyKey, Notify, Once};
use step_02_notify as notify;
use store::{DatabaseUrl, Store};
use tracing::Instrument;

use crate::{config::Config, take_over};

/// Does what `config` says; the exit code of the process.
#[must_use]
pub fn main(config: &Config) -> ExitCode {
    let url = &config.databases.database_url;
    process::start(
        config.command,
        async || migrate(url).await,
        async |stop| run(url, &config.server, stop).await,
    )
}

/// The monolith's tables, then the module's, which takes `messages` over.
pub(super) async fn migrate(url: &DatabaseUrl) -> anyhow::Result<()> {
    app::migrate(url).await?;
    let store = Store::connect(url).await?;
    store.migrate("notify", notify::migrations()).await?;
    let mut tx = store.begin_write().await?;
    take_over::keys(&mut tx, "notify_keys").await?;
    tx.commit().await?;
    store.close().await;
    Ok(())
}

async fn run(url: &DatabaseUrl, config: &ServerConfig, stop: Stop) -> anyhow::Result<()> {
    config.check_token()?;
    let store = Store::connect(url).await?;
    let notify = notify::Module::new(store.clone(), config.providers.providers()?).await?;
    let port: Arc<dyn Notify> = Arc::new(notify.clone());
    let sink = Arc::new(OneSchema(store.clone()));
    let state = app::open(store.clone(), config, sink, Arc::new(Out(port.clone()))).await?;
    let pages = Pages { source: Arc::new(state.clone()), sessions: state.sessions.clone() };
    let routes = Router::new()
        .merge(api::router(&state, &[Part::Messages]))
        .merge(guarded(notify::router(port), config.automator_api_token.clone(), LONGEST_BODY))
        .merge(pages::router(pages));
    let health = store.health(stop.clone());
    let router = app::framed(routes, config, health, &metrics(&notify, &state)?);
    let mut workers = app::work(&state, &stop);
    workers.spawn(notify.run(stop.clone()).instrument(tracing::info_span!("notify")));
    serve::run_with((config.host, config.port), router, stop, workers, async { store.close().await }).await
}

/// What Prometheus finds here, with one queue of the module and one of the monolith.
pub(super) fn metrics(notify: &notify::Module, state: &app::State) -> anyhow::Result<Metrics> {
    let (notify, ruler) = (notify.clone(), state.ruler.clone());
    let metrics = Metrics::new("monolith", env!("CARGO_PKG_VERSION"))?
        .asking("notifications_queued", app::QUEUED, move || {
            let notify = notify.clone();
            async move { notify.queued().await }
        })?
        .asking("rule_actions_pending", app::PENDING, move || {
            let ruler = ruler.clone();
            async move { ruler.pending().await }
        })?;
    Ok(metrics)
}

/// The monolith's way out for messages, through the port.
pub(super) struct Out(pub(super) Arc<dyn Notify>);

impl fmt::Debug for Out {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Out")
    }
}

#[async_trait]
impl Outgoing for Out {
    async fn send(
        &self,
        ctx: &Ctx,
        key: Option<IdempotencyKey>,
        messages: Vec<Message>,
    ) -> Result<Once<Vec<Notification>>, Fault> {
        self.0.send(ctx, key, messages).await
    }
}
