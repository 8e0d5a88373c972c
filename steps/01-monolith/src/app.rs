//! Puts the parts together and runs them.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use axum::Router;
use chassis::{
    auth::WriteToken,
    health::Health,
    process,
    serve::{self, Stop},
};
use domain::Catalogue;
use sqlx::migrate::Migrator;
use store::{DatabaseUrl, Store};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::{
    api,
    config::{Command, Config, ServerConfig},
    github::{client::Github, import::Importer},
    pages,
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
    /// Signs webhooks.
    pub webhook_secret: Option<chassis::auth::Secret>,
    /// Told when there is something to import.
    pub importer: Importer,
}

/// Does what `config` says; the exit code of the process.
#[must_use]
pub fn main(config: &Config) -> ExitCode {
    process::run(async {
        match config.command.unwrap_or(Command::Serve) {
            Command::Migrate => migrate(&config.database_url).await,
            Command::Serve => run(&config.database_url, &config.server, Stop::from_environment()?).await,
        }
    })
}

/// Brings the database up to date.
///
/// # Errors
/// It cannot be opened, or a migration fails.
pub async fn migrate(url: &DatabaseUrl) -> anyhow::Result<()> {
    let store = Store::connect(url).await?;
    store.migrate("monolith", migrations()).await?;
    store.close().await;
    tracing::info!(database = url.place(), "the database is up to date");
    Ok(())
}

/// Serves until `stop`, and drains.
///
/// # Errors
/// The configuration is wrong, the database cannot be opened or was not migrated, or the port is taken.
pub async fn run(url: &DatabaseUrl, config: &ServerConfig, stop: Stop) -> anyhow::Result<()> {
    config.check_token()?;
    let catalogue = config.catalogue()?;
    let store = Store::connect(url).await?;
    track(&store, &catalogue)
        .await
        .context("the database is not ready; has `monolith-01 migrate` been run?")?;
    let github = match &config.github_token {
        Some(token) => Some(Github::new(&config.github_api_url, token.clone())?),
        None => None,
    };
    let importer = Importer::new(store.clone(), github);
    let state = State {
        store: store.clone(),
        catalogue: Arc::new(catalogue),
        token: config.automator_api_token.clone(),
        webhook_secret: config.github_webhook_secret.clone(),
        importer: importer.clone(),
    };
    let address = (config.host, config.port);
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {}:{} (PORT)", config.host, config.port))?;
    let worker = tokio::spawn(importer.run(stop.clone()));
    let served = serve::run(listener, router(&state, Health::new(stop.clone())), stop.clone()).await;
    // Also when the server failed by itself: the worker gives back what it holds.
    stop.stop();
    worker.await?;
    store.close().await;
    Ok(served?)
}

/// All routes in their frame.
pub fn router(state: &State, health: Health) -> Router {
    let routes = Router::new().merge(api::router(state)).merge(pages::router(state)).merge(health.router());
    chassis::http::frame(routes)
}

/// Writes the catalogue into the database. What has left it stays, untracked; where a base reach has
/// changed, the tasks whose factors follow their item follow.
async fn track(store: &Store, catalogue: &Catalogue) -> Result<(), sqlx::Error> {
    let mut tx = store.begin_write().await?;
    let stored: Vec<(String, String, String, f64, i64)> =
        sqlx::query_as("SELECT id, name, language, reach, tracked FROM repositories")
            .fetch_all(&mut *tx)
            .await?;
    for (id, name, _, _, tracked) in &stored {
        if *tracked == 1 && catalogue.find(name).is_none() {
            sqlx::query("UPDATE repositories SET tracked = 0, version = version + 1 WHERE id = $1")
                .bind(id)
                .execute(&mut *tx)
                .await?;
        }
    }
    for repository in &catalogue.repositories {
        let known = stored.iter().find(|(_, name, ..)| name == repository.name.as_str());
        if known.is_some_and(|(_, _, language, reach, tracked)| {
            language == repository.language.as_str() && *reach == repository.reach && *tracked == 1
        }) {
            continue;
        }
        sqlx::query(
            "INSERT INTO repositories (id, name, language, reach, tracked, version) VALUES ($1, $2, $3, $4, 1, 1) \
             ON CONFLICT (name) DO UPDATE SET language = excluded.language, reach = excluded.reach, tracked = 1, \
                                              version = repositories.version + 1",
        )
        .bind(Uuid::now_v7().to_string())
        .bind(repository.name.as_str())
        .bind(repository.language.as_str())
        .bind(repository.reach)
        .execute(&mut *tx)
        .await?;
        if let Some((id, ..)) = known {
            sqlx::query(
                "UPDATE tasks SET reach = (SELECT CAST($1 + i.comments + i.reactions AS DOUBLE PRECISION) FROM items i \
                                           WHERE i.id = tasks.item_id), version = version + 1, updated_at = $2 \
                 WHERE rice_set = 0 AND item_id IN (SELECT id FROM items WHERE repository_id = $3)",
            )
            .bind(repository.reach)
            .bind(store::now())
            .bind(id)
            .execute(&mut *tx)
            .await?;
        }
    }
    tx.commit().await
}
