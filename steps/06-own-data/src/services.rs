//! The services of steps 04 and 05, each over a database of its own; while its rows move there, over both.

use std::net::IpAddr;

use chassis::{
    process::{Command, Lack, Service},
    serve::Stop,
};
use clap::Parser;
use step_06_moving::config::MovingFrom;
use store::Store;

use crate::plans;

/// Tasks and rules.
#[derive(Debug, Parser)]
#[command(name = "backlog-06", version)]
pub struct Backlog {
    /// The service as step 05 made it.
    #[command(flatten)]
    pub service: step_05_backlog::config::Config,
    /// Where its rows come from, while they move.
    #[command(flatten)]
    pub moving: MovingFrom,
}

/// Messages to people.
#[derive(Debug, Parser)]
#[command(name = "notify-06", version)]
pub struct Notify {
    /// The service as step 04 made it.
    #[command(flatten)]
    pub service: step_04_notify::config::Config,
    /// Where its rows come from, while they move.
    #[command(flatten)]
    pub moving: MovingFrom,
}

impl Service for Backlog {
    fn command(&self) -> Option<Command> {
        self.service.command()
    }

    fn address(&self) -> (IpAddr, u16) {
        self.service.address()
    }

    async fn lacks(&self) -> anyhow::Result<Option<Lack>> {
        self.service.lacks().await
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        let url = &self.service.database.database_url;
        let store = Store::connect(url).await?;
        let had_rules = step_02_backlog::has_rules(&store).await?;
        self.service.migrate().await?;
        // Those that move bring the rules along that people want.
        if !had_rules && !self.moving.is_set() {
            step_02_backlog::ship_rules(&store).await?;
        }
        store.close().await;
        self.moving.prepare(url, plans::BACKLOG.module).await
    }

    async fn serve(&self, stop: Stop) -> anyhow::Result<()> {
        let store = self.moving.store(&self.service.database.database_url, plans::BACKLOG.module).await?;
        self.service.serve_over(store, stop).await
    }
}

impl Service for Notify {
    fn command(&self) -> Option<Command> {
        self.service.command()
    }

    fn address(&self) -> (IpAddr, u16) {
        self.service.address()
    }

    async fn lacks(&self) -> anyhow::Result<Option<Lack>> {
        self.service.lacks().await
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        self.service.migrate().await?;
        self.moving.prepare(&self.service.database.database_url, plans::NOTIFY.module).await
    }

    async fn serve(&self, stop: Stop) -> anyhow::Result<()> {
        let store = self.moving.store(&self.service.database.database_url, plans::NOTIFY.module).await?;
        self.service.serve_over(store, stop).await
    }
}
