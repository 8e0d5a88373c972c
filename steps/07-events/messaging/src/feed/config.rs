//! Where the feed is, as the environment says.

use std::sync::Arc;

use chassis::{auth::Secret, config::http_url, process::Misconfigured};
use clap::Args;

use super::{Feed, embedded::Embedded};

/// Where messages go, and come from.
#[derive(Debug, Clone, Args)]
pub struct FeedConfig {
    /// Address of the process `feed`.
    #[arg(long, env, value_name = "FEED_URL", value_parser = http_url)]
    pub feed_url: Option<reqwest::Url>,
}

impl FeedConfig {
    /// The feed. Nobody is asked yet: it need not be there when a process starts. `token` is the one that our services share.
    ///
    /// # Errors
    /// [`Misconfigured`] when no address is set, or no token for `feed`; no certificate store.
    pub fn open(&self, token: Option<&Secret>) -> anyhow::Result<Arc<dyn Feed>> {
        let Some(url) = &self.feed_url else {
            return Err(Misconfigured("FEED_URL is not set".to_owned()).into());
        };
        let Some(token) = token else {
            return Err(Misconfigured("FEED_URL is set, but SERVICE_TOKEN is not".to_owned()).into());
        };
        Ok(Arc::new(Embedded::new(url.clone(), token.clone())?))
    }
}
