//! The tables of a service: those of its module, and those of its messages.

use chassis::process::Lack;
use sqlx::migrate::Migrator;
use store::{DatabaseUrl, OpenError, Store};

use crate::Errands;

/// The migrations of a service, by the names under which a database remembers them.
pub struct Tables(Vec<(&'static str, Migrator)>);

impl Tables {
    /// Those of `modules`, and of messages: outbox, inbox, parked ones, errands.
    #[must_use]
    pub fn with(modules: Vec<(&'static str, Migrator)>) -> Self {
        let messages = [
            (step_07_messaging::MODULE, step_07_messaging::migrations()),
            ("errands", Errands::migrations()),
        ];
        Self(modules.into_iter().chain(messages).collect())
    }

    /// Brings the tables in `store` up to date.
    ///
    /// # Errors
    /// A migration fails.
    pub async fn migrate(self, store: &Store) -> Result<(), OpenError> {
        for (name, migrator) in self.0 {
            store.migrate(name, migrator).await?;
        }
        Ok(())
    }

    /// The same for the database at `url`.
    ///
    /// # Errors
    /// It cannot be opened, or a migration fails.
    pub async fn migrate_at(self, url: &DatabaseUrl) -> Result<(), OpenError> {
        let store = Store::connect(url).await?;
        self.migrate(&store).await?;
        store.close().await;
        tracing::info!(database = url.place(), "the database is up to date");
        Ok(())
    }

    /// What the database at `url` lacks of them.
    ///
    /// # Errors
    /// As [`store::lacks`].
    pub async fn lacking_at(self, url: &DatabaseUrl) -> Result<Option<Lack>, OpenError> {
        store::lacks(url, &self.0).await
    }
}
