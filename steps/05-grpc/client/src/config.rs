//! Where the service `backlog` is, as the environment says it.

use std::net::IpAddr;

use chassis::{
    auth::{self, Secret},
    config::http_url,
    process::Misconfigured,
};
use clap::Args;

use crate::GrpcBacklog;

/// The instances of the service `backlog`.
#[derive(Debug, Clone, Args)]
pub struct BacklogUrls {
    /// The instances of the service `backlog`, a comma between two.
    #[arg(long, env, value_name = "BACKLOG_URLS", value_delimiter = ',', value_parser = http_url)]
    pub backlog_urls: Vec<reqwest::Url>,
}

impl BacklogUrls {
    /// A client of the service with the `token` that services show each other, and that token; `None` where no instance is named.
    /// `host` is where whoever asks listens: `backlog` asks back, with the same token.
    ///
    /// # Errors
    /// One line, when there is an address and no token, or one that is none; or one that others could try.
    pub fn service(
        &self,
        host: IpAddr,
        token: Option<&Secret>,
    ) -> Result<Option<(GrpcBacklog, Secret)>, Misconfigured> {
        if self.backlog_urls.is_empty() {
            return Ok(None);
        }
        let missing = || Misconfigured("BACKLOG_URLS is set, but SERVICE_TOKEN is not".to_owned());
        let token = token.cloned().ok_or_else(missing)?;
        auth::services_may_ask(host, Some(&token))?;
        let client = GrpcBacklog::new(&self.backlog_urls, &token)
            .map_err(|error| Misconfigured(format!("BACKLOG_URLS: {error}")))?;
        Ok(Some((client, token)))
    }
}
