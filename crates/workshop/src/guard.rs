//! A program that ends when we do, however we end.
//!
//! A learner's endless loop hears nothing, so somebody has to end it, also when `verify` was killed and can do nothing any
//! more. Between the two stands this command once more: it holds the other end of a pipe, and when that closes it ends its
//! whole process group, itself included. What the tests start has groups of its own, and stops when its standard input closes.

use std::{
    env,
    ffi::OsString,
    io,
    process::{Child, ChildStderr, ChildStdout, Command, ExitCode, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result};

/// The first argument that makes the command a guard. Nobody types it.
pub(crate) const WORD: &str = "guard";

/// How often we look whether somebody has ended.
const LOOK: Duration = Duration::from_millis(5);

/// `program` behind a guard: arguments and environment may be added. Start it by [`start`].
pub(crate) fn command(program: impl Into<OsString>) -> Result<Command> {
    let mut guard = Command::new(env::current_exe().context("cannot tell where the command itself is")?);
    guard.arg(WORD).arg(program.into());
    Ok(guard)
}

/// A program behind its guard. Dropped, all of it is ended.
pub(crate) struct Guarded(Child);

/// Starts a [`command`].
pub(crate) fn start(command: &mut Command) -> io::Result<Guarded> {
    command.stdin(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    command.spawn().map(Guarded)
}

impl Guarded {
    /// The program's standard output and error, where they are pipes.
    pub(crate) fn pipes(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.0.stdout.take(), self.0.stderr.take())
    }

    /// How it ended, if it has.
    pub(crate) fn poll(&mut self) -> io::Result<Option<ExitStatus>> {
        self.0.try_wait()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // The guard does the rest, and is the last of them.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// The guard's own life: starts the program, and ends as it ends.
pub(crate) fn guard(mut words: impl Iterator<Item = OsString>) -> Result<ExitCode> {
    let program = words.next().context("a guard needs a program")?;
    let mut child = Command::new(&program)
        .args(words)
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", program.to_string_lossy()))?;
    let is_alone = Arc::new(AtomicBool::new(false));
    let heard = Arc::clone(&is_alone);
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        heard.store(true, Ordering::SeqCst);
    });
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for the program")? {
            return Ok(end_like(status));
        }
        if is_alone.load(Ordering::SeqCst) {
            end_all(&mut child);
            return Ok(ExitCode::FAILURE);
        }
        thread::sleep(LOOK);
    }
}

/// Ends everybody in our group.
fn end_all(child: &mut Child) {
    #[cfg(unix)]
    let _ = nix::sys::signal::killpg(nix::unistd::getpgrp(), nix::sys::signal::Signal::SIGKILL);
    // Where there are no groups, or no rights to them.
    let _ = child.kill();
    let _ = child.wait();
}

/// Ends as the program has ended: by the same signal, or with the same code.
fn end_like(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status)
        && let Ok(signal) = nix::sys::signal::Signal::try_from(signal)
    {
        let _ = nix::sys::signal::raise(signal);
    }
    u8::try_from(status.code().unwrap_or(1)).map_or(ExitCode::FAILURE, ExitCode::from)
}
