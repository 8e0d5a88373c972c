//! The composition root of the monolith: who is in it, whom each asks and hears, and who works by itself.

use std::{net::IpAddr, sync::Arc};

use chassis::{
    process::{Command, Lack, Service},
    serve::Stop,
};
use step_02_composition::{Frame, Ports, modules, routes};
use step_02_contracts::Handler;
use step_05_internal as internal;

use crate::config::Config;

impl Service for Config {
    fn command(&self) -> Option<Command> {
        self.command
    }

    fn address(&self) -> (IpAddr, u16) {
        self.modules.server.address()
    }

    async fn lacks(&self) -> anyhow::Result<Option<Lack>> {
        let databases = &self.modules.databases;
        let lack = step_02_composition::lacks(databases, &MODULES).await?;
        Ok(lack.or(step_04_client::lacks(&databases.database_url).await?))
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        let databases = &self.modules.databases;
        step_02_composition::migrate(databases, &MODULES).await?;
        Ok(step_04_client::migrate(&databases.database_url).await?)
    }

    async fn serve(&self, stop: Stop) -> anyhow::Result<()> {
        let config = &self.modules;
        let mut frame = Frame::open(config, stop).await?;
        let team = modules::team(&frame.stores).await?;
        let github = modules::github(config, &frame.stores).await?;
        let insights = modules::insights(config, &frame.stores).await?;
        let (notify, digests) =
            step_04_client::remote(self.notify()?, frame.stores.shared.clone(), &mut frame.background)
                .await?;
        let (backlog, token) = self.backlog()?;
        let backlog = Arc::new(backlog);
        let listening: [Arc<dyn Handler>; 3] = [github.clone(), insights.clone(), backlog.clone()];
        frame.bus.listen(listening.into_iter().collect());
        github.catch_up(&*team).await?;
        insights.catch_up(&*team).await?;
        github.work(&mut frame.background);
        let asked = internal::BacklogPorts { github: github.clone(), team: team.clone() };
        let ports = Ports { github, backlog, team, notify: digests, insights };
        frame.serve(config, routes(&ports, notify, config)?.merge(internal::router(asked, token))).await
    }
}

/// The modules that are left in this process.
const MODULES: [&str; 3] = ["github", "insights", "team"];
