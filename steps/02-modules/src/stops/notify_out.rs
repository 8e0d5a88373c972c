//! First stop: messages are a module, everything else is the monolith.
//!
//! `notify` goes first because it is a leaf: others ask it, it asks nobody. The monolith queued messages in three places: for
//! clients, whose routes the module takes over; for digests ([`digests`]); and for rules, in what is left of the
//! [`monolith`](super::monolith). Those two ask the port now.

use std::{net::IpAddr, sync::Arc};

use automator_pages as pages;
use axum::{Router, extract::State as Shared, http::StatusCode, routing::post};
use chassis::{
    background::Background,
    extract::Ignored,
    idempotency::{Answer, Keyed, Once},
    process::{Command, Lack, Service},
    serve::Stop,
};
use domain::Digests;
use step_01_monolith::{api, state::State, sync};
use step_02_composition::take_over;
use step_02_contracts::{Ctx, Fault, Notify};
use step_02_notify as notify;
use store::{DatabaseUrl, Store};

use super::monolith::Monolith;
use crate::config::Config;

/// The process of this stop.
#[derive(Debug, clap::Parser)]
#[command(name = "monolith-02-notify-out", version)]
pub struct NotifyOut {
    #[command(flatten)]
    config: Config,
}

/// The monolith's tables, then the module's, which takes `messages` over.
pub(super) async fn migrate(url: &DatabaseUrl) -> anyhow::Result<()> {
    let store = Store::connect(url).await?;
    store.migrate("monolith", step_01_monolith::app::migrations()).await?;
    store.migrate("notify", notify::migrations()).await?;
    let mut tx = store.begin_write().await?;
    take_over::keys(&mut tx, "notify_keys").await?;
    tx.commit().await?;
    store.close().await;
    Ok(())
}

/// What the database lacks of them.
pub(super) async fn lacks(url: &DatabaseUrl) -> anyhow::Result<Option<Lack>> {
    let modules = [("monolith", step_01_monolith::app::migrations()), ("notify", notify::migrations())];
    Ok(store::lacks(url, &modules).await?)
}

impl Service for NotifyOut {
    fn command(&self) -> Option<Command> {
        self.config.command
    }

    fn address(&self) -> (IpAddr, u16) {
        self.config.modules.server.address()
    }

    async fn lacks(&self) -> anyhow::Result<Option<Lack>> {
        lacks(&self.config.modules.databases.database_url).await
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        migrate(&self.config.modules.databases.database_url).await
    }

    async fn serve(&self, stop: Stop) -> anyhow::Result<()> {
        let config = super::told(&self.config);
        config.server.check()?;
        let store = Store::connect(&config.database.database_url).await?;
        let notify = notify::Module::new(store.clone(), config.providers.providers()?).await?;
        let port: Arc<dyn Notify> = Arc::new(notify.clone());
        let mut background = Background::new("monolith", env!("CARGO_PKG_VERSION"), stop)?;
        let writer = Arc::new(sync::OneSchema(store.clone()));
        let monolith = Monolith::open(&config, &store, writer, port.clone()).await?;

        let state = monolith.state.clone();
        let more = Router::<State>::new().merge(api::team::router()).merge(api::measures::router());
        let modules = notify::router(port.clone()).merge(digests(state.clone(), port));
        let routes = monolith.routes(more, modules, Arc::new(state.clone()));
        monolith.work(&mut background)?;
        notify.work(&mut background)?;
        let health = store.health(background.stop.clone());
        let router = pages::framed(routes, config.server.names(), health, &background.metrics);
        background.serve(config.server.address(), router, async { store.close().await }).await
    }
}

/// The route of digests: what the monolith writes in them, sent through the port.
pub(super) fn digests(state: State, notify: Arc<dyn Notify>) -> Router {
    Router::new().route("/api/digests", post(digest)).with_state((state, notify))
}

async fn digest(
    Shared((state, notify)): Shared<(State, Arc<dyn Notify>)>,
    ctx: Ctx,
    Keyed(key, Ignored): Keyed<Ignored>,
) -> Result<Answer, Fault> {
    let messages = api::digests::messages(&state, key.as_ref()).await?;
    let Once { value: notifications, replayed } = notify.send(&ctx, key, messages).await?;
    Once { value: Digests { notifications }, replayed }.answer(StatusCode::ACCEPTED)
}
