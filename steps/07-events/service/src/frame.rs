//! A service that runs: from the opened database to the last closed connection.

use std::{net::IpAddr, sync::Arc};

use axum::{Router, middleware};
use chassis::{
    auth::{self, Names, Secret},
    background::Background,
    health::Health,
    http,
    process::Misconfigured,
    serve::Stop,
};
use step_07_messaging::{Consumer, Feed, Outbox, Relay, Subscription};
use store::{DatabaseUrl, Store};

use crate::{MessagesConfig, crash};

/// The database, the feed, and what the process does beside answering.
pub struct Frame {
    /// What is recorded in its transactions goes to the outbox.
    pub store: Store,
    /// Has the workers.
    pub background: Background,
    /// What services show each other.
    pub token: Secret,
    feed: Arc<dyn Feed>,
}

impl Frame {
    /// Opens what the service `name` needs, and has what waits in its outbox published.
    ///
    /// # Errors
    /// The configuration is wrong, or the database cannot be opened.
    pub async fn open(
        name: &str,
        database: &DatabaseUrl,
        messages: &MessagesConfig,
        stop: Stop,
    ) -> anyhow::Result<Self> {
        let missing = || Misconfigured("SERVICE_TOKEN is not set".to_owned());
        let token = messages.service_token.clone().ok_or_else(missing)?;
        let outbox = Outbox::new();
        let store = Store::connect(database).await?.recording(crash::recorder(outbox.clone()));
        let feed = crash::feed(messages.feed.open(Some(&token))?);
        let mut background = Background::new(name, env!("CARGO_PKG_VERSION"), stop)?;
        Relay::new(store.clone(), outbox, feed.clone()).work(&mut background)?;
        Ok(Self { store, background, token, feed })
    }

    /// Has `consumer` hear what it wants of the feed, from where it has come to.
    ///
    /// # Errors
    /// There is such a gauge already.
    pub fn hears(&mut self, consumer: Arc<dyn Consumer>) -> anyhow::Result<()> {
        let consumer = crash::consumer(consumer);
        Subscription::new(self.store.clone(), self.feed.clone(), consumer).work(&mut self.background)
    }

    /// Ready while the database answers. Not while the feed does: without it the service goes on, and is late.
    #[must_use]
    pub fn health(&self) -> Health {
        self.store.health(self.background.stop.clone())
    }

    /// What services and people who run this ask of any service: its parked messages.
    pub fn internal(&self) -> Router {
        step_07_messaging::router(self.store.clone(), Some(self.token.clone()))
    }

    /// `routes` over HTTP, called by one of its `names`, with what the platform asks.
    pub fn over_http(&self, routes: Router, names: Names) -> Router {
        let routes = routes
            .merge(self.internal())
            .merge(self.health().router())
            .merge(self.background.metrics.router())
            .layer(middleware::from_fn_with_state(names, auth::own_names));
        self.background.metrics.count(http::frame(routes))
    }

    /// Answers with `router` until the process is to stop; then waits for the workers, and closes the database.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn serve(self, address: (IpAddr, u16), router: Router) -> anyhow::Result<()> {
        auth::services_may_ask(address.0, Some(&self.token))?;
        let store = self.store;
        self.background.serve(address, router, async { store.close().await }).await
    }
}
