//! What the environment says, checked before anything starts.

use std::{net::IpAddr, num::NonZeroUsize, path::PathBuf, thread};

use chassis::auth::Secret;
use clap::Parser;

/// A reverse proxy that sends each request to the upstream which its route table names.
#[derive(Debug, Clone, Parser)]
#[command(name = "gateway", version)]
pub struct Config {
    /// Address to listen on.
    #[arg(long, env, value_name = "HOST", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port to listen on.
    #[arg(long, env, value_name = "PORT", default_value_t = 8080)]
    pub port: u16,
    /// The route table. It is read again when it changes.
    #[arg(long, env, value_name = "GATEWAY_TABLE", default_value = "gateway.toml")]
    pub gateway_table: PathBuf,
    /// Threads that work on requests; one for each core unless told.
    #[arg(long, env, value_name = "GATEWAY_WORKERS")]
    pub gateway_workers: Option<NonZeroUsize>,
    /// Proxies in front of this one, which are believed when they say whom they speak for (`X-Forwarded-*`).
    #[arg(long, env, value_name = "GATEWAY_TRUSTED", value_delimiter = ',', default_value = "127.0.0.1,::1")]
    pub gateway_trusted: Vec<IpAddr>,
    /// Token that opens `/gateway` to other machines; without it only this one sees what is there.
    #[arg(long, env, hide_env_values = true, value_name = "AUTOMATOR_API_TOKEN")]
    pub automator_api_token: Option<Secret>,
}

impl Config {
    /// How many threads work on requests.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.gateway_workers.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
    }
}
