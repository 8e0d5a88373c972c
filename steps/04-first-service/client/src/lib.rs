//! notify's port at the other end of HTTP (pattern: *Adapter*), and what keeps messages while the service is away
//! ([`store_and_forward`]). The adapter itself is a piece: see [`pieces`].

pub mod pieces;
pub mod store_and_forward;

use std::sync::Arc;

use chassis::{
    auth::Secret,
    background::Background,
    config::http_url,
    process::{Lack, Misconfigured},
};
use step_02_contracts::Notify;
use store::{DatabaseUrl, OpenError, Store};

use self::{pieces::http_notify::HttpNotify, store_and_forward::StoreAndForward};

/// Brings the tables of what is kept up to date.
///
/// # Errors
/// The database cannot be opened, or a migration fails.
pub async fn migrate(url: &DatabaseUrl) -> Result<(), OpenError> {
    store::migrate(url, "handover", StoreAndForward::migrations()).await
}

/// What the database at `url` lacks of those tables.
///
/// # Errors
/// As [`store::lacks`].
pub async fn lacks(url: &DatabaseUrl) -> Result<Option<Lack>, OpenError> {
    store::lacks(url, &[("handover", StoreAndForward::migrations())]).await
}

/// The service at `url` behind its port, twice: for those who have a row for what it does not take now, such as rules; and for
/// those who have none, such as digests, whose messages are kept in `store` then.
///
/// # Errors
/// No certificate store; the database was not migrated.
pub async fn remote(
    (url, token): (reqwest::Url, Secret),
    store: Store,
    background: &mut Background,
) -> anyhow::Result<(Arc<dyn Notify>, Arc<dyn Notify>)> {
    let notify = Arc::new(HttpNotify::new(url, token)?);
    let keeping = Arc::new(StoreAndForward::new(store, notify.clone()).await?);
    background.work(tracing::info_span!("store_and_forward"), keeping.clone().run(background.stop.clone()));
    Ok((notify, keeping))
}

/// Where the service `notify` is.
#[derive(Debug, Clone, clap::Args)]
pub struct NotifyConfig {
    /// Its address. Without it, messages are queued and delivered in this process, as in step 02: one setting undoes the split.
    #[arg(long, env, value_name = "NOTIFY_URL", value_parser = http_url)]
    pub notify_url: Option<reqwest::Url>,
    /// Token that our services show each other.
    #[arg(long, env, hide_env_values = true, value_name = "SERVICE_TOKEN")]
    pub service_token: Option<Secret>,
}

impl NotifyConfig {
    /// The service's address and what it wants to be shown; `None` where messages stay in the process.
    ///
    /// # Errors
    /// One line, when there is an address and no token.
    pub fn service(&self) -> Result<Option<(reqwest::Url, Secret)>, Misconfigured> {
        match (&self.notify_url, &self.service_token) {
            (None, _) => Ok(None),
            (Some(url), Some(token)) => Ok(Some((url.clone(), token.clone()))),
            (Some(_), None) => Err(Misconfigured("NOTIFY_URL is set, but SERVICE_TOKEN is not".to_owned())),
        }
    }
}
