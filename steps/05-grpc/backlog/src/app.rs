//! Puts the parts together and runs them.

use std::{net::IpAddr, sync::Arc};

use anyhow::Context;
use chassis::{
    auth::{self, Secret},
    background::Background,
    process::{Command, Lack, Misconfigured, Service},
    serve::Stop,
};
use step_02_backlog::{self as module, Module, Ports};
use step_02_bus::Bus;
use step_02_contracts::Handler;
use step_04_client::pieces::http_notify::{self, HttpNotify};
use store::Store;

use crate::{
    config::{Config, ServerConfig},
    monolith::Monolith,
    server,
};

impl Service for Config {
    fn command(&self) -> Option<Command> {
        self.command
    }

    fn address(&self) -> (IpAddr, u16) {
        (self.server.host, self.server.port)
    }

    async fn lacks(&self) -> anyhow::Result<Option<Lack>> {
        Ok(store::lacks(&self.database.database_url, &[("backlog", module::migrations())]).await?)
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        Ok(store::migrate(&self.database.database_url, "backlog", module::migrations()).await?)
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
        let token = config.service_token.clone();
        let token = token.ok_or_else(|| Misconfigured("SERVICE_TOKEN is not set".to_owned()))?;
        auth::services_may_ask(config.host, Some(&token))?;
        let bus = Arc::new(Bus::default());
        let store = store.recording(bus.clone());
        let catalogue = Arc::new(self.catalogue.catalogue()?);
        let backlog = Module::new(store.clone(), catalogue, ports(config, &token)?, &self.backlog)
            .await
            .context("the database is not ready; has `migrate` been run?")?;
        bus.listen(backlog.mails().into_iter().collect());
        let mut background = Background::new("backlog", env!("CARGO_PKG_VERSION"), stop.clone())?;
        let handler: Arc<dyn Handler> = Arc::new(backlog.clone());
        let service = server::service(Arc::new(backlog.clone()), handler, token);
        let (router, health) = server::router(service, store.health(stop.clone()), stop)?;
        background.work(tracing::info_span!("health"), health);
        backlog.work(&mut background)?;
        let router = router.merge(background.metrics.router());
        let last = async {
            bus.settled().await;
            store.close().await;
        };
        let served = background.serve((config.host, config.port), router, last).await;
        bus.give_up();
        served
    }
}

/// Whom backlog asks.
fn ports(config: &ServerConfig, token: &Secret) -> anyhow::Result<Ports> {
    let monolith = http_notify::Service::new("the monolith", config.monolith_url.clone(), token.clone())?;
    let monolith = Arc::new(Monolith(monolith));
    let notify = HttpNotify::new(config.notify_url.clone(), token.clone())?;
    Ok(Ports { github: monolith.clone(), team: monolith, notify: Arc::new(notify) })
}
