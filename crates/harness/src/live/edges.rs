//! The edges of a system, each over a proxy of its own that counts what passes, and slows or cuts it when it is told to. The proxies
//! live in a process of their own (`map edges`, in `crates/map`): no page, and no end of a page, can break them.

use std::{collections::BTreeMap, io, path::Path, time::Duration};

use serde::Serialize;

use super::helper::Helper;
use crate::{Definition, Options, ports::Port};

/// How long the proxies may take until they listen.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// An edge: who asks, whom, where the proxy listens, and where it passes on to.
#[derive(Debug, Clone, Serialize)]
struct Edge {
    from: String,
    to: String,
    port: u16,
    target: u16,
}

/// The running proxies. Dropped, they end.
pub struct Edges {
    pub(super) helper: Helper,
    edges: Vec<Edge>,
    /// Held, so that nobody else gets one while a proxy does not listen.
    _ports: Vec<Port>,
}

impl Edges {
    /// Starts a proxy for each edge of `definition` with `program`, the binary of `crates/map`. `ports` says where each process will
    /// listen; they need not listen yet.
    ///
    /// # Errors
    /// The program is not there or does not become ready; no port is free.
    pub fn start(program: &Path, definition: &Definition, ports: &BTreeMap<String, u16>) -> io::Result<Self> {
        let mut edges = Vec::new();
        let mut held = Vec::new();
        for (from, to) in definition.edges() {
            let Some(&target) = ports.get(to) else { continue };
            let port = Port::take().map_err(io::Error::other)?;
            edges.push(Edge { from: from.to_owned(), to: to.to_owned(), port: port.number(), target });
            held.push(port);
        }
        let helper = Helper::start(program, &["edges"])?;
        helper.say(serde_json::to_string(&edges)?);
        match helper.first_word(READY_WITHIN)?.as_str() {
            "ready" => Ok(Self { helper, edges, _ports: held }),
            other => Err(io::Error::other(other.to_owned())),
        }
    }

    /// `options`, with each process told the proxies' addresses in place of those of whom it asks.
    #[must_use]
    pub fn told(&self, options: Options) -> Options {
        self.edges.iter().fold(options, |options, edge| {
            options.edge(&edge.from, &edge.to, format!("http://127.0.0.1:{}", edge.port))
        })
    }

    /// The number of their process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.helper.id()
    }

    /// Whether anybody asks `process`: only then there is something to slow or cut.
    pub(super) fn lead_to(&self, process: &str) -> bool {
        self.edges.iter().any(|edge| edge.to == process)
    }
}
