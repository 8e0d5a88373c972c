//! The frame of every `main`.

mod waiting;

use std::{future::Future, net::IpAddr, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use tokio::runtime;

use crate::{
    client, config, logging,
    serve::{LAST_WORDS, Stop},
};

/// What a process with a database is started for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Answer requests.
    #[default]
    Serve,
    /// Bring the database up to date, then end. Run it before the servers, once.
    Migrate {
        /// Seconds to wait for a database that does not answer yet.
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        wait: u32,
    },
}

/// A process with a database, as its configuration describes it.
pub trait Service {
    /// What it is started for; to serve, unless told.
    fn command(&self) -> Option<Command>;

    /// Where it listens: there it also says that it waits.
    fn address(&self) -> (IpAddr, u16);

    /// What it needs before it can serve, and has not got yet. Fails where waiting would not help: a wrong password, say.
    fn lacks(&self) -> impl Future<Output = anyhow::Result<Option<Lack>>>;

    /// Brings its tables up to date. Fails when the database cannot be opened, or a migration does.
    fn migrate(&self) -> impl Future<Output = anyhow::Result<()>>;

    /// Serves until `stop`, and drains. Fails when the configuration is wrong, the database cannot be opened or was not migrated,
    /// or the port is taken.
    fn serve(&self, stop: Stop) -> impl Future<Output = anyhow::Result<()>>;
}

/// What a process with a database may have to wait for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lack {
    /// The database does not answer yet.
    #[error("the database does not answer yet: {0}")]
    Database(String),
    /// It answers, and has no tables yet, or those of an older version.
    #[error("the tables are not up to date: {0}")]
    Migration(String),
}

/// The whole of a `main`: does what arguments and environment say; the exit code of the process.
#[must_use]
pub fn main<C: Parser + Service>() -> ExitCode {
    start(&config::parse::<C>())
}

/// Does what `service` is started for, as soon as what it [`lacks`](Service::lacks) is there; the exit code of the process.
/// Whoever ends for want of a database is started again, later each time, and is still not back when the database has been for
/// minutes. Until it can serve, it is alive and not ready.
pub fn start(service: &impl Service) -> ExitCode {
    run(async {
        match service.command().unwrap_or_default() {
            Command::Migrate { wait } => {
                waiting::for_the_database(service, Duration::from_secs(wait.into())).await?;
                service.migrate().await
            }
            Command::Serve => {
                let stop = Stop::from_environment()?;
                match waiting::until_it_can_serve(service, &stop).await? {
                    waiting::Ended::Stopped => Ok(()),
                    waiting::Ended::There => service.serve(stop).await,
                }
            }
        }
    })
}

/// A configuration that turned out wrong while starting: a file that is not what it should be, an
/// address that cannot be. The process ends with [`config::EX_USAGE`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Misconfigured(pub String);

/// Runs `work` on a runtime of its own, with logs and TLS ready. When it fails, says why in one line
/// on stderr; the exit code of the process.
pub fn run<F>(work: F) -> ExitCode
where
    F: Future<Output = anyhow::Result<()>>,
{
    run_on(&mut runtime::Builder::new_multi_thread(), work)
}

/// As [`run`], on a runtime of the caller's choice.
pub fn run_on<F>(runtime: &mut runtime::Builder, work: F) -> ExitCode
where
    F: Future<Output = anyhow::Result<()>>,
{
    logging::init();
    client::install_crypto();
    let runtime = runtime.enable_all().build();
    let done = runtime.map_err(Into::into).and_then(|runtime| {
        let done = runtime.block_on(work);
        // Dropped, it would wait for every thread, also for one that never ends.
        runtime.shutdown_timeout(LAST_WORDS);
        done
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Misconfigured>() => config::refuse(&error.to_string()),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
