//! The composition root of the monolith: who is in it, whom each asks and hears, and who works by itself.

use std::{net::IpAddr, sync::Arc};

use chassis::{
    process::{Command, Lack, Service},
    serve::Stop,
};
use step_02_backlog as backlog;
use step_02_bus::Bus;
use step_02_composition::{Frame, MODULES, ModulesConfig, Ports, Stores, modules, routes};
use step_02_contracts::Handler;
use step_02_github as github;
use step_02_notify as notify;

use crate::config::Config;

impl Service for Config {
    fn command(&self) -> Option<Command> {
        self.command
    }

    fn address(&self) -> (IpAddr, u16) {
        self.modules.server.address()
    }

    async fn lacks(&self) -> anyhow::Result<Option<Lack>> {
        step_02_composition::lacks(&self.modules.databases, &MODULES).await
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        step_02_composition::migrate(&self.modules.databases, &MODULES).await
    }

    async fn serve(&self, stop: Stop) -> anyhow::Result<()> {
        let config = &self.modules;
        let mut frame = Frame::open(config, stop).await?;
        let all = Modules::new(config, &frame.stores, &frame.bus).await?;
        all.github.work(&mut frame.background);
        all.notify.work(&mut frame.background)?;
        all.backlog.work(&mut frame.background)?;
        frame.serve(config, routes(&all.ports, all.notify, config)?).await
    }
}

/// Those modules that have something to do by themselves, and the ports of all.
pub struct Modules {
    github: Arc<github::Module>,
    notify: Arc<notify::Module>,
    backlog: Arc<backlog::Module>,
    /// What each can be asked.
    pub ports: Ports,
}

impl Modules {
    /// Makes each over its store, with the ports that it asks; has those that listen hear the others on `bus`.
    ///
    /// # Errors
    /// The configuration is wrong, or a database was not migrated.
    pub async fn new(config: &ModulesConfig, stores: &Stores, bus: &Bus) -> anyhow::Result<Self> {
        let team = modules::team(stores).await?;
        let github = modules::github(config, stores).await?;
        let insights = modules::insights(config, stores).await?;
        let notify = modules::notify(config, stores).await?;
        let asked = backlog::Ports { github: github.clone(), team: team.clone(), notify: notify.clone() };
        let backlog = modules::backlog(config, stores, asked).await?;
        let listening: [Arc<dyn Handler>; 3] = [github.clone(), insights.clone(), backlog.clone()];
        bus.listen(listening.into_iter().chain(backlog.mails()).collect());
        github.catch_up(&*team).await?;
        insights.catch_up(&*team).await?;
        let (items, tasks, messages) = (github.clone(), backlog.clone(), notify.clone());
        let ports = Ports { github: items, backlog: tasks, team, notify: messages, insights };
        Ok(Self { github, notify, backlog, ports })
    }
}
