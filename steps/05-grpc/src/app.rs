//! Puts the monolith of this step together and runs it.

use std::{net::IpAddr, sync::Arc};

use anyhow::Context;
use automator_pages as pages;
use axum::Router;
use chassis::{
    background::Background,
    process::{Command, Lack, Service},
    serve::Stop,
};
use step_02_backlog as backlog;
use step_02_bus::Bus;
use step_02_composition::{NOT_READY, Stores, routes};
use step_02_contracts::{Backlog, Handler, Notify};
use step_02_github as github;
use step_02_insights as insights;
use step_02_notify as notify;
use step_02_team as team;
use step_02_web as web;

use crate::{
    config::Config,
    internal::{self, Asked},
};

impl Service for Config {
    fn command(&self) -> Option<Command> {
        self.command
    }

    fn address(&self) -> (IpAddr, u16) {
        self.modules.server.address()
    }

    async fn lacks(&self) -> anyhow::Result<Option<Lack>> {
        match step_02_composition::lacks(&self.modules.databases).await? {
            None => Ok(step_04_client::lacks(&self.modules.databases.database_url).await?),
            lack => Ok(lack),
        }
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        step_02_composition::migrate(&self.modules.databases).await?;
        Ok(step_04_client::migrate(&self.modules.databases.database_url).await?)
    }

    async fn serve(&self, stop: Stop) -> anyhow::Result<()> {
        let config = &self.modules;
        config.server.check()?;
        let bus = Arc::new(Bus::default());
        let stores = Stores::open(&config.databases, Some(bus.clone())).await?;
        let catalogue = Arc::new(config.catalogue.catalogue()?);
        let mut background = Background::new("monolith", env!("CARGO_PKG_VERSION"), stop)?;
        let team = team::Module::new(stores.team.clone()).await.context(NOT_READY)?;
        let (notify, digests): (Arc<dyn Notify>, Arc<dyn Notify>) = match self.notify.service()? {
            Some(service) => step_04_client::remote(service, stores.shared.clone(), &mut background).await?,
            None => {
                let notify =
                    notify::Module::new(stores.notify.clone(), config.providers.providers()?).await?;
                notify.clone().work(&mut background)?;
                (Arc::new(notify.clone()), Arc::new(notify))
            }
        };
        let github =
            github::Module::new(stores.github.clone(), catalogue.clone(), config.github.client()?).await?;
        let insights = insights::Module::new(stores.insights.clone(), catalogue.clone()).await?;
        let mut listening: Vec<Arc<dyn Handler>> = vec![Arc::new(github.clone()), Arc::new(insights.clone())];
        let mut internal = Router::new();
        let backlog: Arc<dyn Backlog> = match self.backlog_service()? {
            Some((backlog, token)) => {
                // What the service asks back.
                let asked = Asked { github: Arc::new(github.clone()), team: Arc::new(team.clone()) };
                internal = internal::router(asked, token);
                let backlog = Arc::new(backlog);
                listening.push(backlog.clone());
                backlog
            }
            None => {
                let asked = backlog::Ports {
                    github: Arc::new(github.clone()),
                    team: Arc::new(team.clone()),
                    notify: notify.clone(),
                };
                let backlog =
                    backlog::Module::new(stores.backlog.clone(), catalogue.clone(), asked, &config.backlog)
                        .await?;
                listening.push(Arc::new(backlog.clone()));
                listening.extend(backlog.mails());
                backlog.clone().work(&mut background)?;
                Arc::new(backlog)
            }
        };
        bus.listen(listening);
        github.catch_up(&team).await?;
        insights.catch_up(&team).await?;
        let ports = web::Ports {
            github: Arc::new(github.clone()),
            backlog,
            team: Arc::new(team),
            notify: digests,
            insights: Arc::new(insights),
        };
        github.work(&mut background);
        let routes = routes(&ports, notify, config)?.merge(internal);
        let health = stores.health(background.stop.clone());
        let router = pages::framed(routes, &config.server.automator_api_token, health, &background.metrics);
        let last = async {
            bus.settled().await;
            stores.close().await;
        };
        background.serve(config.server.address(), router, last).await
    }
}
