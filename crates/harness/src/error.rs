//! What can go wrong with a system, said so that the reader knows which process to look at.

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

/// The result of most things here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a system could not be started, broken or ended as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A `system.toml` is wrong.
    #[error("{}:{line}: {message}", file.display())]
    Definition {
        /// The file.
        file: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// A file could not be read or written.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody else listens where a process should.
    #[error("port {port}, which {name} needs, is taken")]
    PortTaken {
        /// The process that wanted it.
        name: String,
        /// The port.
        port: u16,
    },
    /// No port is free for another process.
    #[error("no free port between {} and {}", crate::ports::FIRST, crate::ports::LAST)]
    NoPort,
    /// The operating system refused to start a process.
    #[error("cannot start {name} ({}): {source}", binary.display())]
    Spawn {
        /// The process.
        name: String,
        /// Its binary.
        binary: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A process ended that should have stayed, or one that runs once did not succeed.
    #[error("{name} ended with {status}; the end of its log:\n{log}")]
    Exited {
        /// The process.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// Its last lines.
        log: String,
    },
    /// A process did not become ready in time.
    #[error("{name} was not ready within {after:?} ({reason}); the end of its log:\n{log}")]
    NotReady {
        /// The process.
        name: String,
        /// How long it was waited for.
        after: Duration,
        /// What its health check said last.
        reason: String,
        /// Its last lines.
        log: String,
    },
    /// A process was asked to stop and did not, so it was killed.
    #[error("{name} did not stop within {after:?} and was killed; the end of its log:\n{log}")]
    WouldNotStop {
        /// The process.
        name: String,
        /// How long it was waited for.
        after: Duration,
        /// Its last lines.
        log: String,
    },
    /// A process that should have answered and ended did not, so it was killed.
    #[error("{name} did not end within {after:?} and was killed; the end of its log:\n{log}")]
    TooLong {
        /// The process.
        name: String,
        /// How long it was waited for.
        after: Duration,
        /// Its last lines.
        log: String,
    },
    /// The system has no process of that name, or none that fits.
    #[error("{0}")]
    NoSuchProcess(String),
    /// The process is not running.
    #[error("{0} is not running")]
    NotRunning(String),
    /// The process is running already.
    #[error("{0} is still running: stop it first")]
    StillRunning(String),
    /// Somebody asked to stop while the system was starting.
    #[error("stopped while starting")]
    Stopped,
    /// The operating system refused to signal a process.
    #[error("cannot {action} {name}: {source}")]
    Signal {
        /// The process.
        name: String,
        /// What was tried.
        action: &'static str,
        /// Why.
        source: io::Error,
    },
}
