//! A NATS server with JetStream as a process of the system: for tests, and for whoever has the program and no containers.

use std::{net::IpAddr, path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, bail};
use chassis::serve::Stop;
use clap::Args;
use tokio::time::sleep;

/// How often it is looked whether the server is still there.
const LOOK: Duration = Duration::from_millis(100);

/// Which program, and where it listens.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// The program `nats-server`.
    #[arg(long, env, value_name = "WORKSHOP_NATS_SERVER", default_value = "nats-server")]
    pub workshop_nats_server: PathBuf,
    /// Where it keeps its streams.
    #[arg(long, env, value_name = "NATS_STORE", default_value = "nats")]
    pub nats_store: PathBuf,
    /// Address to listen on.
    #[arg(long, env, value_name = "HOST", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port to listen on.
    #[arg(long, env, value_name = "PORT", default_value_t = 4222)]
    pub port: u16,
}

/// Runs it until the process is to stop.
///
/// # Errors
/// There is no such program, or it ends by itself.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let stop = Stop::from_environment()?;
    let mut server = Command::new(&config.workshop_nats_server)
        .args(["--jetstream", "--store_dir"])
        .arg(&config.nats_store)
        .args(["--addr", &config.host.to_string(), "--port", &config.port.to_string()])
        .spawn()
        .with_context(|| format!("Failed to start {}", config.workshop_nats_server.display()))?;
    while !stop.is_stopping() {
        if let Some(status) = server.try_wait().context("Failed to look after the NATS server")? {
            bail!("the NATS server ended: {status}");
        }
        tokio::select! {
            () = sleep(LOOK) => {}
            () = stop.wait() => {}
        }
    }
    server.kill().context("Failed to end the NATS server")?;
    server.wait().context("Failed to end the NATS server")?;
    Ok(())
}
