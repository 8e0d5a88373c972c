//! Puts the modules together and runs it.

use std::{net::IpAddr, sync::Arc};

use anyhow::Context;
use automator_pages as pages;
use chassis::{
    background::Background,
    process::{Command, Lack, Service},
    serve::Stop,
};
use step_02_backlog as backlog;
use step_02_bus::Bus;
use step_02_composition::{ModulesConfig, NOT_READY, Stores, routes};
use step_02_contracts::Handler;
use step_02_github as github;
use step_02_insights as insights;
use step_02_notify as notify;
use step_02_team as team;
use step_02_web as web;

use crate::config::Config;

impl Service for Config {
    fn command(&self) -> Option<Command> {
        self.command
    }

    fn address(&self) -> (IpAddr, u16) {
        self.modules.server.address()
    }

    async fn lacks(&self) -> anyhow::Result<Option<Lack>> {
        step_02_composition::lacks(&self.modules.databases).await
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        step_02_composition::migrate(&self.modules.databases).await
    }

    async fn serve(&self, stop: Stop) -> anyhow::Result<()> {
        let config = &self.modules;
        config.server.check()?;
        let bus = Arc::new(Bus::default());
        let stores = Stores::open(&config.databases, Some(bus.clone())).await?;
        let Modules { github, notify, backlog, ports } = Modules::new(config, &stores, &bus).await?;
        let mut background = Background::new("monolith", env!("CARGO_PKG_VERSION"), stop)?;
        github.work(&mut background);
        notify.work(&mut background)?;
        backlog.work(&mut background)?;
        let routes = routes(&ports, ports.notify.clone(), config)?;
        let health = stores.health(background.stop.clone());
        let router = pages::framed(routes, &config.server.automator_api_token, health, &background.metrics);
        let last = async {
            bus.settled().await;
            stores.close().await;
        };
        background.serve(config.server.address(), router, last).await
    }
}

/// Those modules that have something to do by themselves, and the ports of all.
pub struct Modules {
    github: github::Module,
    notify: notify::Module,
    backlog: backlog::Module,
    /// What each can be asked.
    pub ports: web::Ports,
}

impl Modules {
    /// Makes each over its store, with the ports that it asks; has those that listen hear the others on `bus`.
    ///
    /// # Errors
    /// The configuration is wrong, or a database was not migrated.
    pub async fn new(config: &ModulesConfig, stores: &Stores, bus: &Arc<Bus>) -> anyhow::Result<Self> {
        let catalogue = Arc::new(config.catalogue.catalogue()?);
        let team = team::Module::new(stores.team.clone()).await.context(NOT_READY)?;
        let notify = notify::Module::new(stores.notify.clone(), config.providers.providers()?).await?;
        let github =
            github::Module::new(stores.github.clone(), catalogue.clone(), config.github.client()?).await?;
        let insights = insights::Module::new(stores.insights.clone(), catalogue.clone()).await?;
        let asked = backlog::Ports {
            github: Arc::new(github.clone()),
            team: Arc::new(team.clone()),
            notify: Arc::new(notify.clone()),
        };
        let backlog = backlog::Module::new(stores.backlog.clone(), catalogue, asked, &config.backlog).await?;
        let listening: Vec<Arc<dyn Handler>> =
            vec![Arc::new(github.clone()), Arc::new(insights.clone()), Arc::new(backlog.clone())];
        bus.listen(listening.into_iter().chain(backlog.mails()).collect());
        github.catch_up(&team).await?;
        insights.catch_up(&team).await?;
        let ports = web::Ports {
            github: Arc::new(github.clone()),
            backlog: Arc::new(backlog.clone()),
            team: Arc::new(team),
            notify: Arc::new(notify.clone()),
            insights: Arc::new(insights),
        };
        Ok(Self { github, notify, backlog, ports })
    }
}
