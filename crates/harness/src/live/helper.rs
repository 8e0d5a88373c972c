//! A child that speaks in lines: what we say goes to its standard input, what it says comes from its standard output. It ends when
//! its input closes, and so with us, however we end.

use std::{
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, channel, sync_channel},
    thread,
    time::Duration,
};

/// How many lines may wait for a helper. One that reads no more than this is not waited for.
const WAITING: usize = 256;

/// A running helper. Dropped, it is killed.
pub(super) struct Helper {
    process: Child,
    say: SyncSender<String>,
    said: Receiver<String>,
}

impl Helper {
    /// Starts `program` with `arguments`.
    pub(super) fn start(program: &Path, arguments: &[&str]) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        // A group of its own: Ctrl-C in the terminal reaches us alone.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut process = command.spawn()?;
        let (say, to_say) = sync_channel::<String>(WAITING);
        let (hear, said) = channel();
        if let Some(mut stdin) = process.stdin.take() {
            thread::spawn(move || {
                // Ends when the helper does, or when we let go of it.
                while let Ok(line) = to_say.recv() {
                    if stdin.write_all(line.as_bytes()).and_then(|()| stdin.write_all(b"\n")).is_err() {
                        break;
                    }
                }
            });
        }
        if let Some(stdout) = process.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if hear.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        Ok(Self { process, say, said })
    }

    /// Its number, as the operating system counts.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Says a line, unless too many wait to be read already.
    pub(super) fn say(&self, line: String) {
        let _ = self.say.try_send(line);
    }

    /// What it says first; an `Err` when it ends or says nothing before.
    pub(super) fn first_word(&self, within: Duration) -> io::Result<String> {
        self.said.recv_timeout(within).map_err(|error| match error {
            RecvTimeoutError::Timeout => io::Error::new(io::ErrorKind::TimedOut, "it says nothing"),
            RecvTimeoutError::Disconnected => io::Error::other("it has ended"),
        })
    }

    /// The next line, if there is one. An `Err` says that there will be no more: it has ended.
    pub(super) fn next(&self) -> Result<Option<String>, ()> {
        match self.said.try_recv() {
            Ok(line) => Ok(Some(line)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(()),
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // Refused only when it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
