//! What every handler uses.

use std::sync::Arc;

use anyhow::Context;
use automator_backlog::scores::Scores;
use automator_github::{import::Importer, write::ItemWriter};
use chassis::{
    auth::{Secret, WriteToken},
    session::Sessions,
};
use domain::Catalogue;
use store::{Store, idempotency, queue::Queue};

use crate::{config::Config, sync, tasks::TABLES};

/// The table of the idempotency keys. They are known for seven days at least, see [`store::idempotency`].
pub const IDEMPOTENCY_KEYS: &str = "idempotency_keys";

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
        let scores = Scores::of(store.clone(), TABLES).await?;
        idempotency::forget_old(&store, IDEMPOTENCY_KEYS).await?;
        let token = config.server.automator_api_token.clone();
        let sessions = Sessions::new(&token)?;
        let webhook_secret = config.github.github_webhook_secret.clone();
        Ok(Self { store, catalogue, token, sessions, webhook_secret, importer, writer, rules, scores })
    }
}
