//! The driver process, one for a test binary.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError, mpsc},
    time::Duration,
};

use anyhow::{Context, Result};

/// How long the driver may take until it says its port.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// A running `chromedriver` on a free port of loopback.
pub(super) struct Driver {
    process: Process,
    url: String,
}

impl Driver {
    /// Starts it, if Chromium and its driver are there.
    ///
    /// # Errors
    /// Either is missing, or the driver does not become ready.
    pub(super) fn start() -> Result<Self> {
        let quiet = |program| {
            let mut command = Command::new(program);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        quiet("chromium").arg("--version").status().context("there is no `chromium`")?;
        let started = quiet("chromedriver").arg("--port=0").stdout(Stdio::piped()).spawn();
        let mut child = started.context("there is no `chromedriver`")?;
        let output = child.stdout.take();
        // From here on it ends with us, whatever happens.
        let process = Process(Mutex::new(child));
        let port = port(output.context("chromedriver has no output")?)?;
        Ok(Self { process, url: format!("http://127.0.0.1:{port}") })
    }

    /// Where it listens.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Ends it.
    pub(super) fn stop(&self) {
        self.process.end();
    }
}

/// A child that ends when it is dropped.
struct Process(Mutex<Child>);

impl Process {
    fn end(&self) {
        let mut child = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Refused only when it has ended already.
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// The port that the driver says it listens on: `… started successfully on port 36109.`
fn port(output: impl Read + Send + 'static) -> Result<u16> {
    let (found, port) = mpsc::channel();
    // Reads on until the driver ends, which would stop at a full pipe.
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let port = line
                .split("successfully on port ")
                .nth(1)
                .and_then(|rest| rest.trim_end_matches('.').parse().ok());
            if let Some(port) = port {
                // Nobody listens any more once the time is up.
                let _ = found.send(port);
            }
        }
    });
    port.recv_timeout(READY_WITHIN)
        .with_context(|| format!("chromedriver was not ready within {READY_WITHIN:?}"))
}
