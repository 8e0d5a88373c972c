//! The composition root of `backlog`: nobody is asked.

use std::{net::IpAddr, sync::Arc};

use anyhow::Context;
use chassis::{
    process::{Command, Lack, Service},
    serve::Stop,
};
use step_02_backlog::{self as module, Asks, Module, config::BacklogConfig};
use step_05_backlog::server;
use step_07_service::{Frame, Tables};
use store::Store;

use crate::{
    calls::OverTheFeed,
    commands::Commands,
    config::Config,
    consumer::Facts,
    copies::{self, Copies},
};

impl Service for Config {
    fn command(&self) -> Option<Command> {
        self.command
    }

    fn address(&self) -> (IpAddr, u16) {
        (self.host, self.port)
    }

    async fn lacks(&self) -> anyhow::Result<Option<Lack>> {
        Ok(tables().lacking_at(&self.database.database_url).await?)
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        let store = Store::connect(&self.database.database_url).await?;
        let is_new = !module::has_rules(&store).await?;
        tables().migrate(&store).await?;
        if is_new {
            module::ship_rules(&store).await?;
        }
        store.close().await;
        Ok(())
    }

    async fn serve(&self, stop: Stop) -> anyhow::Result<()> {
        let mut frame =
            Frame::open("backlog", &self.database.database_url, &self.messages, stop.clone()).await?;
        let copies = Arc::new(Copies(frame.store.clone()));
        let asks = Asks::new(copies.clone(), copies, Arc::new(Commands));
        let catalogue = Arc::new(self.catalogue.catalogue()?);
        // Assignments are told; who mails is whoever has the addresses.
        let config = BacklogConfig { tell_assignees: false };
        let backlog = Module::new(frame.store.clone(), catalogue, asks, &config).await;
        let backlog =
            Arc::new(backlog.context("the database is not ready; has `backlog migrate` been run?")?);
        frame.hears(Arc::new(Facts(backlog.clone())))?;
        backlog.work(&mut frame.background)?;
        let service = server::service(backlog, Arc::new(OverTheFeed), frame.token.clone());
        let (router, health) = server::router(service, frame.health(), stop)?;
        frame.background.work(tracing::info_span!("health"), health);
        let router = router.merge(frame.internal()).merge(frame.background.metrics.router());
        frame.serve((self.host, self.port), router).await
    }
}

fn tables() -> Tables {
    Tables::with(vec![("backlog", module::migrations()), ("copies", copies::migrations())])
}
