//! What a process does beside answering.

use std::{future::Future, net::IpAddr};

use axum::Router;
use tokio::task::JoinSet;
use tracing::{Instrument, Span};

use crate::{
    metrics::Metrics,
    serve::{self, Stop},
};

/// The workers of a process, which end when it stops, and the gauges that tell of them. Each module adds its own.
#[derive(Debug)]
pub struct Background {
    /// When to stop.
    pub stop: Stop,
    /// What Prometheus finds.
    pub metrics: Metrics,
    workers: JoinSet<()>,
}

impl Background {
    /// Nothing yet, in the build `version` of `service`.
    ///
    /// # Errors
    /// `service` or `version` is none to Prometheus.
    pub fn new(service: &str, version: &str, stop: Stop) -> Result<Self, prometheus::Error> {
        Ok(Self { stop, metrics: Metrics::new(service, version)?, workers: JoinSet::new() })
    }

    /// Starts a worker, whose log lines are in `span`.
    pub fn work(&mut self, span: Span, work: impl Future<Output = ()> + Send + 'static) {
        self.workers.spawn(work.instrument(span));
    }

    /// Answers with `router` until the process is to stop, then waits for the workers, then does what comes `last`.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn serve(
        self,
        address: (IpAddr, u16),
        router: Router,
        last: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        serve::run_with(address, router, self.stop, self.workers, last).await
    }
}
