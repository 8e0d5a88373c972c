//! A new version of Automator with a fault planted in it, for a shadow to find: `system-03 faulty`.
//!
//! It is the old one, seen through the proxy of the harness, which lets the first two tasks of a list change their ranks. A
//! rewrite that everybody believes to be done looks like that.

use std::{net::IpAddr, process::ExitCode};

use chassis::{process, serve::Stop};
use clap::Parser;
use harness::{Fault, Proxy};
use serde_json::Value;
use tokio::net::TcpListener;

/// What the environment says.
#[derive(Debug, Clone, Parser)]
#[command(name = "faulty")]
pub struct Config {
    /// Address to listen on.
    #[arg(long, env, value_name = "HOST", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port to listen on.
    #[arg(long, env, value_name = "PORT", default_value_t = 8082)]
    port: u16,
    /// The version without the fault.
    #[arg(long, env, value_name = "OLD_URL")]
    old_url: String,
}

/// Runs until it is told to stop; the exit code of the process.
#[must_use]
pub fn main(config: &Config) -> ExitCode {
    process::run(async {
        let stop = Stop::from_environment()?;
        let listener = TcpListener::bind((config.host, config.port)).await?;
        let proxy = Proxy::start_on(listener, &config.old_url)?;
        proxy.add(planted());
        stop.wait().await;
        Ok(())
    })
}

/// The fault: in each list of tasks, the first two have each other's rank.
#[must_use]
pub fn planted() -> Fault {
    Fault::rewrite(|_, page| swap_ranks(page)).on("GET", "/api/tasks")
}

fn swap_ranks(page: &mut Value) {
    if let Some([first, second, ..]) = page["items"].as_array_mut().map(Vec::as_mut_slice) {
        std::mem::swap(&mut first["rank"], &mut second["rank"]);
    }
}
