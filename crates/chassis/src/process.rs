//! The frame of every `main`.

use std::{future::Future, process::ExitCode};

use clap::Subcommand;
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
    Migrate,
}

/// Does what `command` says; the exit code of the process.
pub fn start(
    command: Option<Command>,
    migrate: impl AsyncFnOnce() -> anyhow::Result<()>,
    serve: impl AsyncFnOnce(Stop) -> anyhow::Result<()>,
) -> ExitCode {
    run(async {
        match command.unwrap_or_default() {
            Command::Migrate => migrate().await,
            Command::Serve => serve(Stop::from_environment()?).await,
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
