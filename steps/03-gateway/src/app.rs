//! Puts the parts together and runs them.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use chassis::{
    health::Health,
    process,
    serve::{DRAIN, Stop},
};
use proxy::{budget::Budget, server::Server, via::Via};
use tokio::{net::TcpListener, runtime};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{admin::Admin, config::Config, gateway::Gateway, reload::Live};

/// The most bytes of requests that wait in memory for upstreams: half of what a small container has.
const UPLOADS: u32 = 32 << 20;

/// Serves as `config` says; the exit code of the process.
#[must_use]
pub fn main(config: &Config) -> ExitCode {
    let mut runtime = match config.workers() {
        // Nothing is handed from thread to thread.
        1 => runtime::Builder::new_current_thread(),
        workers => {
            let mut runtime = runtime::Builder::new_multi_thread();
            runtime.worker_threads(workers);
            runtime
        }
    };
    process::run_on(&mut runtime, async { run(config, Stop::from_environment()?).await })
}

/// Serves until `stop`, and drains.
///
/// # Errors
/// The first table cannot be used, or the port is taken.
pub async fn run(config: &Config, stop: Stop) -> anyhow::Result<()> {
    let live = Arc::new(Live::load(&config.gateway_table)?);
    let listener = TcpListener::bind((config.host, config.port))
        .await
        .with_context(|| format!("cannot listen on {}:{} (PORT)", config.host, config.port))?;
    tracing::info!(address = %listener.local_addr()?, table = %config.gateway_table.display(), "listening");
    tokio::spawn(Arc::clone(&live).watch(stop.clone()));
    let health = Health::new(stop.clone());
    let admin = Admin::new(Arc::clone(&live), health, config.automator_api_token.clone());
    let server = Server {
        trusted: config.gateway_trusted.clone(),
        closing: CancellationToken::new(),
        stop: CancellationToken::new(),
        under_way: TaskTracker::new(),
        drain: DRAIN,
    };
    let (closing, leaving) = (server.closing.clone(), server.stop.clone());
    tokio::spawn(async move {
        stop.wait().await;
        closing.cancel();
        stop.leave().await;
        leaving.cancel();
    });
    let gateway = Gateway {
        live,
        admin,
        stop: server.stop.clone(),
        under_way: server.under_way.clone(),
        via: Via::new("gateway"),
        uploads: Budget::new(UPLOADS),
    };
    server.run(listener, Arc::new(gateway)).await;
    Ok(())
}
