//! The composition root: which parts there are, and which of them work by themselves.

use std::{net::IpAddr, sync::Arc};

use automator_backlog::actions::RuleWorker;
use automator_github::import::Importer;
use automator_messages::Messenger;
use automator_pages::{self as pages, Pages};
use axum::Router;
use chassis::{
    background::Background,
    process::{Command, Lack, Service},
    serve::Stop,
};
use sqlx::migrate::Migrator;
use store::{Store, retry::RetryPolicy};

use crate::{
    api,
    config::Config,
    rules,
    state::{IDEMPOTENCY_KEYS, State},
    sync,
};

/// The migrations of the one schema.
#[must_use]
pub fn migrations() -> Migrator {
    sqlx::migrate!()
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
        let router = pages::framed(routes, self.server.names(), health, &background.metrics);
        background.serve(self.server.address(), router, async { store.close().await }).await
    }
}
