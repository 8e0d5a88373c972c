//! The composition root of the monolith: who is in it, whom each asks and hears, and who works by itself.

use std::{net::IpAddr, sync::Arc};

use axum::Router;
use chassis::{
    process::{Command, Lack, Service},
    serve::Stop,
};
use step_02_backlog as backlog;
use step_02_composition::{Frame, MODULES, Ports, modules, routes};
use step_02_contracts::{Backlog, Handler, Notify};
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
        let lack = step_02_composition::lacks(&self.modules.databases, &MODULES).await?;
        Ok(lack.or(step_04_client::lacks(&self.modules.databases.database_url).await?))
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        step_02_composition::migrate(&self.modules.databases, &MODULES).await?;
        Ok(step_04_client::migrate(&self.modules.databases.database_url).await?)
    }

    async fn serve(&self, stop: Stop) -> anyhow::Result<()> {
        let config = &self.modules;
        let mut frame = Frame::open(config, stop).await?;
        let team = modules::team(&frame.stores).await?;
        let github = modules::github(config, &frame.stores).await?;
        let insights = modules::insights(config, &frame.stores).await?;
        let (notify, digests): (Arc<dyn Notify>, Arc<dyn Notify>) = match self.notify.service()? {
            Some(service) => {
                step_04_client::remote(service, frame.stores.shared.clone(), &mut frame.background).await?
            }
            None => {
                let module = modules::notify(config, &frame.stores).await?;
                module.work(&mut frame.background)?;
                (module.clone(), module)
            }
        };
        let mut listening: Vec<Arc<dyn Handler>> = vec![github.clone(), insights.clone()];
        let token = self.notify.service_token.as_ref();
        let mut internal = Router::new();
        let backlog: Arc<dyn Backlog> = match self.backlog.service(config.server.host, token)? {
            Some((client, token)) => {
                let client = Arc::new(client);
                listening.push(client.clone());
                let asked = internal::BacklogPorts { github: github.clone(), team: team.clone() };
                internal = internal::router(asked, token);
                client
            }
            None => {
                let asked =
                    backlog::Ports { github: github.clone(), team: team.clone(), notify: notify.clone() };
                let module = modules::backlog(config, &frame.stores, asked).await?;
                listening.push(module.clone());
                listening.extend(module.mails());
                module.work(&mut frame.background)?;
                module
            }
        };
        frame.bus.listen(listening);
        github.catch_up(&*team).await?;
        insights.catch_up(&*team).await?;
        github.work(&mut frame.background);
        let ports = Ports { github, backlog, team, notify: digests, insights };
        frame.serve(config, routes(&ports, notify, config)?.merge(internal)).await
    }
}
