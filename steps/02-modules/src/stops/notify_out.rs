//! First stop: messages are a module, everything else is the monolith.
//!
//! `notify` goes first because it is a leaf: others ask it, it asks nobody. The monolith queued messages in three places: for
//! clients, whose routes the module takes over; for digests ([`digests`]); and for rules ([`Through`]). Those two ask the port now.

use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;
use automator_api::LONGEST_BODY;
use automator_backlog::actions::{Decided, Effects, RuleWorker};
use automator_github::{client::Github, import::Importer, webhook::LONGEST_PAYLOAD};
use automator_pages::{self as pages, Pages};
use axum::{Router, extract::State as Shared, http::StatusCode, routing::post};
use chassis::{
    background::Background,
    extract::Ignored,
    http::{guarded, limited},
    idempotency::{Answer, Keyed, Once},
    process::{Command, Lack, Service},
    serve::Stop,
};
use domain::{Action, Digests, Notify as Notice};
use step_01_monolith::{
    api,
    app::State,
    rules::{self, About},
    sync,
};
use step_02_composition::take_over;
use step_02_contracts::{Ctx, Fault, Notify};
use step_02_notify as notify;
use store::{DatabaseUrl, Store, Tx};

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
        let github = config.github.client()?;
        let effects = Through { store: store.clone(), github: github.clone(), notify: port.clone() };
        let rules = RuleWorker::new(store.clone(), rules::ACTIONS, effects);
        let writer = Arc::new(sync::OneSchema(store.clone()));
        let importer = Importer::new(store.clone(), github, writer.clone());
        let state = State::open(store.clone(), &config, importer.clone(), writer, rules.queue()).await?;

        let monolith = Router::<State>::new()
            .merge(api::repositories::router())
            .merge(api::items::router())
            .merge(api::tasks::router())
            .merge(api::imports::router())
            .merge(api::rules::router())
            .merge(api::legacy::router())
            .merge(api::team::router())
            .merge(api::measures::router());
        let webhooks = Router::from(api::webhooks::router()).with_state(state.clone());
        let modules = notify::router(port.clone()).merge(digests(state.clone(), port));
        let routes = Router::new()
            .merge(guarded(monolith.with_state(state.clone()), state.token.clone(), LONGEST_BODY))
            .merge(limited(webhooks, LONGEST_PAYLOAD))
            .merge(guarded(modules, state.token.clone(), LONGEST_BODY))
            .merge(pages::router(Pages { source: Arc::new(state.clone()), sessions: state.sessions.clone() }))
            .merge(automator_api::openapi());
        importer.work(&mut background);
        rules.work(&mut background)?;
        notify.work(&mut background)?;
        let health = store.health(background.stop.clone());
        let router = pages::framed(routes, &state.token, health, &background.metrics);
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

/// What actions of rules do: as in the monolith, but for messages, which go through the port.
#[derive(Clone)]
pub(super) struct Through {
    pub(super) store: Store,
    pub(super) github: Option<Github>,
    pub(super) notify: Arc<dyn Notify>,
}

#[async_trait]
impl Effects for Through {
    type About = About;

    async fn find(&self, _: &Ctx, id: &str) -> Result<(Decided, About), Fault> {
        rules::find(&self.store, id).await
    }

    async fn change(
        &self,
        _: &Ctx,
        tx: &mut Tx,
        decided: &Decided,
        about: &About,
        action: &Action,
    ) -> Result<(), Fault> {
        rules::change(&self.store, tx, decided, about, action).await
    }

    async fn notify(
        &self,
        ctx: &Ctx,
        id: &str,
        decided: &Decided,
        about: &About,
        notice: &Notice,
    ) -> Result<(), Fault> {
        let messages = rules::messages(&self.store, id, decided, about, notice).await?;
        self.notify.send(ctx, None, messages).await.map(drop)
    }

    async fn comment(&self, _: &Ctx, decided: &Decided, about: &About, text: &str) -> Result<(), Fault> {
        rules::comment(self.github.as_ref(), decided, about, text).await
    }
}
