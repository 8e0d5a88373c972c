//! One child process: spawned, watched, signalled, ended.

use std::{
    io,
    process::{ChildStdin, Command, ExitStatus, Stdio},
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

#[cfg(unix)]
use nix::sys::signal::Signal;

use crate::{Stop, log::Log};

/// How often a wait looks again.
const LOOK: Duration = Duration::from_millis(3);
/// How long the last lines of an ended process may take to arrive. Only a grandchild that keeps the pipe needs longer.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A running child. Dropped, it is killed.
pub(crate) struct Child {
    process: std::process::Child,
    /// Open for as long as the child should live; the system closes it when we are killed.
    stdin: Option<ChildStdin>,
    readers: Vec<JoinHandle<()>>,
    ended: Option<ExitStatus>,
}

impl Child {
    /// Starts it; what it prints goes to `out`, what it complains about to `err`.
    pub(crate) fn spawn(mut command: Command, out: &Arc<Log>, err: &Arc<Log>) -> io::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own: Ctrl-C in the terminal reaches us alone, and we stop the children in order.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut process = command.spawn()?;
        let mut readers = Vec::new();
        if let Some(pipe) = process.stdout.take() {
            let log = Arc::clone(out);
            readers.push(thread::spawn(move || log.read(pipe)));
        }
        if let Some(pipe) = process.stderr.take() {
            let log = Arc::clone(err);
            readers.push(thread::spawn(move || log.read(pipe)));
        }
        Ok(Self { stdin: process.stdin.take(), process, readers, ended: None })
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// How it ended, if it has.
    pub(crate) fn poll(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.process.try_wait().ok().flatten();
            if self.ended.is_some() {
                self.hear_last_words();
            }
        }
        self.ended
    }

    /// Waits until it ends, at most for `limit`, or until somebody asks to stop at once.
    pub(crate) fn wait(&mut self, limit: Duration, stop: &Stop) -> Option<ExitStatus> {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.poll() {
                return Some(status);
            }
            if Instant::now() >= until || stop.at_once() {
                return None;
            }
            thread::sleep(LOOK);
        }
    }

    /// SIGTERM on unix; elsewhere, where no such thing exists, its standard input closes.
    pub(crate) fn ask_to_stop(&mut self) -> io::Result<()> {
        #[cfg(unix)]
        return self.signal(Signal::SIGTERM);
        #[cfg(not(unix))]
        {
            self.hang_up();
            Ok(())
        }
    }

    /// Closes its standard input, as happens when its parent is killed.
    pub(crate) fn hang_up(&mut self) {
        self.stdin = None;
    }

    /// Ends it without a word (SIGKILL on unix), with all that it started, and reaps it.
    pub(crate) fn kill(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.poll() {
            return Ok(status);
        }
        #[cfg(unix)]
        self.kill_soon();
        let _ = self.process.kill();
        let status = self.process.wait()?;
        self.ended = Some(status);
        self.hear_last_words();
        Ok(status)
    }

    /// SIGKILL for it and all that it started; nobody waits for its end.
    #[cfg(unix)]
    pub(crate) fn kill_soon(&mut self) {
        if self.poll().is_none() {
            // It may end by itself meanwhile; then there is nobody left to kill.
            let _ = nix::sys::signal::killpg(self.pid(), Signal::SIGKILL);
        }
    }

    /// Sends `signal`, unless it has ended: then its number may be somebody else's.
    #[cfg(unix)]
    pub(crate) fn signal(&mut self, signal: Signal) -> io::Result<()> {
        if self.poll().is_some() {
            return Err(io::Error::other("it has ended"));
        }
        Ok(nix::sys::signal::kill(self.pid(), signal)?)
    }

    /// Stops it in the middle of what it does, and returns when it stands still: the signal alone takes a moment.
    #[cfg(unix)]
    pub(crate) fn pause(&mut self) -> io::Result<()> {
        use std::os::unix::process::ExitStatusExt;

        use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

        self.signal(Signal::SIGSTOP)?;
        // Had it ended in this very moment, this would have reaped it.
        self.ended = match waitpid(self.pid(), Some(WaitPidFlag::WUNTRACED))? {
            WaitStatus::Exited(_, code) => Some(ExitStatus::from_raw(code << 8)),
            WaitStatus::Signaled(_, signal, _) => Some(ExitStatus::from_raw(signal as i32)),
            _ => return Ok(()),
        };
        Err(io::Error::other("it has ended"))
    }

    #[cfg(unix)]
    fn pid(&self) -> nix::unistd::Pid {
        // What the system hands out as a signed number, std shows as an unsigned one.
        nix::unistd::Pid::from_raw(self.process.id().cast_signed())
    }

    fn hear_last_words(&mut self) {
        let until = Instant::now() + LAST_WORDS;
        while self.readers.iter().any(|reader| !reader.is_finished()) && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
        self.readers.clear();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
