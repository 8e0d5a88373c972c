//! What the environment says, checked before anything starts.

use std::{net::IpAddr, num::NonZeroUsize, path::PathBuf, thread};

use chassis::auth::Secret;
use clap::Parser;
use ipnet::IpNet;

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
    /// Proxies in front of this one, which are believed when they say whom they speak for (`X-Forwarded-*`): addresses, or
    /// networks such as `10.244.0.0/16` where a proxy has no address of its own for long.
    #[arg(
        long,
        env,
        value_name = "GATEWAY_TRUSTED",
        value_delimiter = ',',
        value_parser = network,
        default_value = "127.0.0.1,::1"
    )]
    pub gateway_trusted: Vec<IpNet>,
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

/// A network (CIDR), or an address as the network of nobody else.
fn network(text: &str) -> Result<IpNet, String> {
    let alone = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse()
        .or_else(|_| alone())
        .map_err(|_| "neither an address nor a network like 10.0.0.0/8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_network_of_nobody_else() {
        let trusts =
            |text: &str, address: &str| network(text).unwrap().contains(&address.parse::<IpAddr>().unwrap());
        assert!(trusts("10.0.0.7", "10.0.0.7") && !trusts("10.0.0.7", "10.0.0.8"));
        assert!(trusts("10.244.0.0/16", "10.244.3.9") && !trusts("10.244.0.0/16", "10.245.0.1"));
        assert!(trusts("fd00::/8", "fd12::1") && !trusts("0.0.0.0/0", "::1"));
        for wrong in ["", "ingress", "10.0.0.0/33", "10.0.0"] {
            assert!(network(wrong).is_err(), "{wrong:?}");
        }
    }
}
