//! Puts the parts together and runs them.

use std::{net::IpAddr, sync::Arc};

use anyhow::Context;
use automator_backlog::{actions::RuleWorker, scores::Scores};
use automator_github::{import::Importer, write::ItemWriter};
use automator_messages::Messenger;
use automator_pages::{self as pages, Pages};
use axum::Router;
use chassis::{
    auth::{Secret, WriteToken},
    background::Background,
    process::{Command, Lack, Service},
    serve::Stop,
    session::Sessions,
};
use domain::Catalogue;
use sqlx::migrate::Migrator;
use store::{Store, idempotency, queue::Queue, retry::RetryPolicy};

use crate::{
    api::{self, IDEMPOTENCY_KEYS},
    config::Config,
    rules, sync,
};

/// The migrations of the one schema.
#[must_use]
pub fn migrations() -> Migrator {
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
    pub webhook_secret: Option<Secret>,
    /// Told when there is something to import.
    pub importer: Importer,
    /// Writes what GitHub says.
    pub writer: Arc<dyn ItemWriter>,
    /// Told when a rule may have decided something.
    pub rules: Queue,
    /// Of the tasks.
    pub scores: Scores,
}

impl Service for Config {
    fn command(&self) -> Option<Command> {
        self.command
    }

    fn address(&self) -> (IpAddr, u16) {
        self.server.address()
    }

    async fn lacks(&self) -> anyhow::Result<Option<Lack>> {
        Ok(store::lacks(&self.database.database_url, &[("monolith", migrations())]).await?)
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        Ok(store::migrate(&self.database.database_url, "monolith", migrations()).await?)
    }

    async fn serve(&self, stop: Stop) -> anyhow::Result<()> {
        self.server.check()?;
        let store = Store::connect(&self.database.database_url).await?;
        let providers = self.providers.providers()?;
        let messenger = Messenger::new(store.clone(), IDEMPOTENCY_KEYS, providers, RetryPolicy::default());
        let mut background = Background::new("monolith", env!("CARGO_PKG_VERSION"), stop)?;
        let github = self.github.client()?;
        let effects =
            rules::OneSchema { store: store.clone(), github: github.clone(), messenger: messenger.clone() };
        let rules = RuleWorker::new(store.clone(), rules::ACTIONS, effects);
        let writer = Arc::new(sync::OneSchema(store.clone()));
        let importer = Importer::new(store.clone(), github, writer.clone());
        let state = State::open(store.clone(), self, importer.clone(), writer, rules.queue()).await?;

        let routes = Router::new().merge(api::router(&state, &messenger)).merge(pages::router(Pages {
            source: Arc::new(state.clone()),
            sessions: state.sessions.clone(),
        }));
        importer.work(&mut background);
        rules.work(&mut background)?;
        messenger.work(&mut background)?;
        let health = store.health(background.stop.clone());
        let router = pages::framed(routes, &state.token, health, &background.metrics);
        background.serve(self.server.address(), router, async { store.close().await }).await
    }
}

impl State {
    /// What handlers use of a database that was migrated, with what `config` tracks from now on.
    ///
    /// # Errors
    /// The configuration is wrong, or the database was not migrated.
    pub async fn open(
        store: Store,
        config: &Config,
        importer: Importer,
        writer: Arc<dyn ItemWriter>,
        rules: Queue,
    ) -> anyhow::Result<Self> {
        let catalogue = Arc::new(config.catalogue.catalogue()?);
        sync::track(&store, &catalogue)
            .await
            .context("the database is not ready; has `monolith-01 migrate` been run?")?;
        let scores = Scores::of(store.clone(), "tasks").await?;
        idempotency::forget_old(&store, IDEMPOTENCY_KEYS).await?;
        let token = config.server.automator_api_token.clone();
        let sessions = Sessions::new(&token)?;
        let webhook_secret = config.github.github_webhook_secret.clone();
        Ok(Self { store, catalogue, token, sessions, webhook_secret, importer, writer, rules, scores })
    }
}
