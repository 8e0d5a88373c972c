//! Processes that end with the bench.

use std::{
    fs,
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use acceptance::{
    anyhow::{Context, Result, bail},
    harness::ports::Port,
};

/// How long a process may take until it listens.
const STARTS_WITHIN: Duration = Duration::from_secs(10);

/// A process that listens.
pub(crate) struct Server {
    child: Child,
    port: Port,
    base: String,
}

impl Server {
    /// Starts `command` and waits until it listens on `port`.
    pub(crate) fn start(mut command: Command, port: Port) -> Result<Self> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        let child = child.with_context(|| format!("cannot start {:?}", command.get_program()))?;
        let base = format!("http://127.0.0.1:{}", port.number());
        let mut server = Self { child, port, base };
        let until = Instant::now() + STARTS_WITHIN;
        while TcpStream::connect(("127.0.0.1", server.port.number())).is_err() {
            if let Some(status) = server.child.try_wait()? {
                bail!("{:?} ended at once: {status}", command.get_program());
            }
            if Instant::now() > until {
                bail!("{:?} does not listen within {STARTS_WITHIN:?}", command.get_program());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It holds nothing that is worth an orderly end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The gateway before `upstream`, with one worker.
pub(crate) fn gateway(folder: &Path, upstream: &Server) -> Result<Server> {
    let table = folder.join("gateway.toml");
    let text = format!(
        "[upstream.old]\nurl = \"{}\"\n[[route]]\nname = \"all\"\nprefix = \"/\"\nold = \"old\"\n",
        upstream.base()
    );
    fs::write(&table, text)?;
    let port = Port::take()?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    command
        .env("PORT", port.number().to_string())
        .env("GATEWAY_TABLE", table)
        .env("GATEWAY_WORKERS", "1")
        .env("RUST_LOG", "warn")
        .env("STOP_WITH_STDIN", "1");
    Server::start(command, port)
}
