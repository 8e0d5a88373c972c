//! Puts the parts together and runs them.

use std::{net::IpAddr, sync::Arc};

use anyhow::Context;
use automator_api::LONGEST_BODY;
use axum::{Json, Router, middleware, routing::get};
use chassis::{
    auth::{self, Names},
    background::Background,
    http,
    process::{Command, Lack, Service},
    serve::Stop,
};
use step_02_contracts::Notify;
use step_02_notify as module;
use store::Store;
use utoipa::OpenApi;

use crate::{
    config::{Config, ServerConfig},
    internal,
};

impl Service for Config {
    fn command(&self) -> Option<Command> {
        self.command
    }

    fn address(&self) -> (IpAddr, u16) {
        (self.server.host, self.server.port)
    }

    async fn lacks(&self) -> anyhow::Result<Option<Lack>> {
        Ok(store::lacks(&self.database.database_url, &[("notify", module::migrations())]).await?)
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        Ok(store::migrate(&self.database.database_url, "notify", module::migrations()).await?)
    }

    async fn serve(&self, stop: Stop) -> anyhow::Result<()> {
        self.serve_over(Store::connect(&self.database.database_url).await?, stop).await
    }
}

impl Config {
    /// Serves from `store`, wherever that has its rows, until `stop`.
    ///
    /// # Errors
    /// The configuration is wrong, the tables are not there, or the port is taken.
    pub async fn serve_over(&self, store: Store, stop: Stop) -> anyhow::Result<()> {
        let config = &self.server;
        auth::may_listen(config.host, &config.automator_api_token)?;
        auth::services_may_ask(config.host, config.service_token.as_ref())?;
        let notify = module::Module::new(store.clone(), config.providers.providers()?)
            .await
            .context("the database is not ready; has `notify migrate` been run?")?;
        let mut background = Background::new("notify", env!("CARGO_PKG_VERSION"), stop)?;
        notify.work(&mut background)?;
        let names = Names::new(&config.automator_api_token, &config.allowed_hosts);
        let routes = routes(Arc::new(notify), config)
            .merge(store.health(background.stop.clone()).router())
            .merge(background.metrics.router())
            .layer(middleware::from_fn_with_state(names, auth::own_names));
        let router = background.metrics.count(http::frame(routes));
        background.serve((config.host, config.port), router, async { store.close().await }).await
    }
}

/// What clients ask for messages.
const MESSAGES: [&str; 4] = ["/api/notifications", "/api/notifications/{id}", "/email", "/sms"];

/// What clients ask, and what services ask.
fn routes(notify: Arc<dyn Notify>, config: &ServerConfig) -> Router {
    let between_services = serde_json::to_value(internal::Document::openapi()).unwrap_or_default();
    let document = automator_api::merged(automator_api::document_of(&MESSAGES), &between_services);
    http::guarded(module::router(notify.clone()), config.automator_api_token.clone(), LONGEST_BODY)
        .merge(internal::router(notify, config.service_token.clone()))
        .route("/openapi.json", get(move || async move { Json(document) }))
}
