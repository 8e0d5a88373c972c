//! What a service can be started for, beyond serving and migrating: something that is done once, beside the service that runs.

use std::{future::Future, process::ExitCode, time::Duration};

use chassis::process::{self, Service};
use clap::Subcommand;
use step_02_contracts::Fault;
use step_07_messaging::Outbox;
use store::{DatabaseUrl, Store};
use tokio::time::sleep;

/// How often something that is done once is tried while the database is taken, and the pause in between.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_secs(1);

/// What a service that owns facts is started for.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Command {
    /// Serve, or migrate.
    #[command(flatten)]
    Process(process::Command),
    /// Tell of everything again, for whoever keeps a copy and has none yet; then end. Who has one hears nothing new. The service that runs
    /// sends it.
    Retell,
}

impl Command {
    /// As every process has it.
    #[must_use]
    pub fn of_process(command: Option<Self>) -> Option<process::Command> {
        match command {
            Some(Self::Process(command)) => Some(command),
            Some(Self::Retell) | None => None,
        }
    }
}

/// A service that can be started for something that is done once.
pub trait Once: Service {
    /// Whether that is what it is started for.
    fn is_once(&self) -> bool;

    /// Does it; what it says then, in one line. Fails when the database does.
    fn once(&self) -> impl Future<Output = anyhow::Result<String>>;
}

/// The whole of a `main`: what is done once, or what [`chassis::process::start`] does; the exit code of the process.
pub fn start(service: &impl Once) -> ExitCode {
    if !service.is_once() {
        return process::start(service);
    }
    process::run(async {
        println!("{}", service.once().await?);
        Ok(())
    })
}

/// Has `retell` record what it tells in the outbox of the database at `url`; what there is to say of that. Who finds the database
/// taken by the service that runs begins again: what was told twice is heard once.
///
/// # Errors
/// The database cannot be opened, or what `retell` fails with, at the last time.
pub async fn retold(
    url: &DatabaseUrl,
    retell: impl AsyncFn(&Store) -> Result<u64, Fault>,
) -> anyhow::Result<String> {
    let store = Store::connect(url).await?.recording(Outbox::new());
    let mut tries = 1;
    let told = loop {
        match retell(&store).await {
            Err(Fault::Unavailable(what)) if tries < TRIES => {
                tracing::warn!(what, tries, "it is told again from the beginning, in a moment");
                tries += 1;
                sleep(PAUSE).await;
            }
            told => break told?,
        }
    };
    store.close().await;
    Ok(format!("told again: {told}"))
}
