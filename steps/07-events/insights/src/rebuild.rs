//! Throws the read models away. The service that runs hears everything again, from the beginning of the feed.

use step_02_insights as module;
use step_07_service::command::Once;
use store::Store;

use crate::config::{Command, Config};

impl Once for Config {
    fn is_once(&self) -> bool {
        matches!(self.command, Some(Command::Rebuild))
    }

    async fn once(&self) -> anyhow::Result<String> {
        let store = Store::connect(&self.database.database_url).await?;
        let mut tx = store.begin_write().await?;
        // First: it waits for whoever is taking a message.
        step_07_messaging::begin_again(&mut tx, "insights").await?;
        let rows = module::forget(&mut tx).await?;
        tx.commit().await?;
        store.close().await;
        Ok(format!("thrown away: {rows}"))
    }
}
