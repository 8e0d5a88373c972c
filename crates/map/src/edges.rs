//! The proxies on a system's edges, one for each: they pass requests on, count them, and slow or refuse them when they are told to.
//!
//! A proxy listens exactly when the process behind it does: who is down refuses connections with a proxy before it as without one.

mod counts;
mod proxy;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{self, MissedTickBehavior};

use crate::parent;
use proxy::Proxy;

/// How often the numbers are told, if they have changed.
const TELL: Duration = Duration::from_millis(500);

/// An edge, as it was ordered: both ports are on loopback.
#[derive(Debug, Deserialize)]
struct Edge {
    from: String,
    to: String,
    /// Where the proxy listens.
    port: u16,
    /// Where whom it asks listens.
    target: u16,
}

/// Runs until standard input closes.
///
/// # Errors
/// The first line is no list of edges; a port is taken.
pub(crate) async fn run() -> Result<()> {
    let (first, mut lines) = parent::listen()?;
    let edges: Vec<Edge> = serde_json::from_str(&first).context("the first line is no list of edges")?;
    let mut proxies = Vec::new();
    for edge in edges {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let proxy = Arc::new(Proxy::new(at(edge.port), at(edge.target)));
        proxy.open().await.with_context(|| format!("cannot listen on port {}", edge.port))?;
        proxies.push((edge, proxy));
    }
    parent::say("ready");

    let mut told = String::new();
    let mut ticks = time::interval(TELL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            line = lines.recv() => match line {
                Some(line) => obey(&line, &proxies).await,
                None => return Ok(()),
            },
            _ = ticks.tick() => {
                let numbers = proxies.iter().map(|(edge, proxy)| {
                    json!({ "from": edge.from, "to": edge.to, "numbers": proxy.counts().take_slot() })
                });
                let numbers = json!({ "edges": numbers.collect::<Vec<_>>() }).to_string();
                if numbers != told {
                    parent::say(&numbers);
                    told = numbers;
                }
            }
        }
    }
}

/// `up NAME`, `down NAME`, `slow NAME MILLISECONDS`: for all edges that lead to that process.
async fn obey(line: &str, proxies: &[(Edge, Arc<Proxy>)]) {
    let mut words = line.split(' ');
    let (Some(word), Some(name)) = (words.next(), words.next()) else { return };
    let number = words.next().and_then(|word| word.parse().ok()).unwrap_or_default();
    for (edge, proxy) in proxies.iter().filter(|(edge, _)| edge.to == name) {
        match word {
            "up" => {
                if let Err(error) = proxy.open().await {
                    eprintln!("map: {} cannot reach {name} any more: {error}", edge.from);
                }
            }
            "down" => proxy.close(),
            "slow" => proxy.slow_by(Duration::from_millis(number)),
            _ => {}
        }
    }
}
