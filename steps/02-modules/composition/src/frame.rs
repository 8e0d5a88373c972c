//! What is around the modules of a process, whichever it has.

use std::sync::Arc;

use automator_pages as pages;
use axum::Router;
use chassis::{background::Background, serve::Stop};
use step_02_bus::Bus;

use crate::{ModulesConfig, Stores};

/// The databases of the modules, the bus between them, and what the process does beside answering.
#[derive(Debug)]
pub struct Frame {
    /// Where the modules keep their tables.
    pub stores: Stores,
    /// Tells what was recorded in them.
    pub bus: Arc<Bus>,
    /// Has the modules' workers.
    pub background: Background,
}

impl Frame {
    /// Opens the databases.
    ///
    /// # Errors
    /// The configuration is wrong, or a database cannot be opened.
    pub async fn open(config: &ModulesConfig, stop: Stop) -> anyhow::Result<Self> {
        config.server.check()?;
        let bus = Arc::new(Bus::default());
        let stores = Stores::open(&config.databases, Some(bus.clone())).await?;
        let background = Background::new("monolith", env!("CARGO_PKG_VERSION"), stop)?;
        Ok(Self { stores, bus, background })
    }

    /// Answers with `routes` until the process is to stop; then waits for the workers and for the bus, and closes the databases.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn serve(self, config: &ModulesConfig, routes: Router) -> anyhow::Result<()> {
        let Self { stores, bus, background } = self;
        let health = stores.health(background.stop.clone());
        let router = pages::framed(routes, config.server.names(), health, &background.metrics);
        let last = async {
            bus.settled().await;
            stores.close().await;
        };
        let served = background.serve(config.server.address(), router, last).await;
        bus.give_up();
        served
    }
}
