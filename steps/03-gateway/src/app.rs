//! Puts the parts together and runs them.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use chassis::{health::Health, process, serve::Stop};
use tokio::{net::TcpListener, runtime};
use tokio_util::task::TaskTracker;

use crate::{admin::Admin, config::Config, proxy::Gateway, reload::Live, server};

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
    let gateway = Gateway {
        live,
        admin,
        trusted: config.gateway_trusted.clone(),
        stop: stop.clone(),
        under_way: TaskTracker::new(),
    };
    server::run(listener, Arc::new(gateway), stop).await;
    Ok(())
}
