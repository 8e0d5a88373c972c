//! Puts the parts together and runs them.

use std::net::IpAddr;

use anyhow::Context;
use axum::{Json, routing::get};
use chassis::{
    background::Background,
    http,
    process::{Command, Lack, Misconfigured, Service},
    serve::Stop,
};
use store::Store;
use utoipa::OpenApi;

use crate::{
    config::Config,
    log::{self, Log},
    routes,
};

impl Service for Config {
    fn command(&self) -> Option<Command> {
        self.command
    }

    fn address(&self) -> (IpAddr, u16) {
        (self.server.host, self.server.port)
    }

    async fn lacks(&self) -> anyhow::Result<Option<Lack>> {
        Ok(store::lacks(&self.database.database_url, &[("feed", log::migrations())]).await?)
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        Ok(store::migrate(&self.database.database_url, "feed", log::migrations()).await?)
    }

    async fn serve(&self, stop: Stop) -> anyhow::Result<()> {
        let config = &self.server;
        let token = config.service_token.clone();
        let token = token.ok_or_else(|| Misconfigured("SERVICE_TOKEN is not set".to_owned()))?;
        let store = Store::connect(&self.database.database_url).await?;
        let log = Log::new(store.clone(), stop.clone())
            .await
            .context("the database is not ready; has `feed migrate` been run?")?;
        let mut background = Background::new("feed", env!("CARGO_PKG_VERSION"), stop)?;
        background.metrics.gauge(
            "feed_head",
            "The position of the last message.",
            &log,
            |log| async move { log.head().await.ok().map(|head| head.position) },
        )?;
        let routes = routes::router(log, token)
            .route("/openapi.json", get(async || Json(routes::Document::openapi())))
            .merge(store.health(background.stop.clone()).router())
            .merge(background.metrics.router());
        let router = background.metrics.count(http::frame(routes));
        background.serve((config.host, config.port), router, async { store.close().await }).await
    }
}
