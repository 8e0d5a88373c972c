//! Whether a process is ready.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

/// How long one question may take. A process that is slower than this is not ready.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks processes whether they are ready, on connections of its own that it does not keep: an idle one would hold up
/// the drain of the process that it was opened to.
pub(crate) struct Checker(ureq::Agent);

impl Checker {
    pub(crate) fn new() -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .max_idle_connections(0)
            // A proxy from the environment has no business between us and 127.0.0.1.
            .proxy(None)
            .build();
        Self(config.into())
    }

    /// `Err` says why it is not ready.
    pub(crate) fn check(&self, port: u16, path: Option<&str>) -> Result<(), String> {
        let Some(path) = path else {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            return TcpStream::connect_timeout(&address, PATIENCE).map(drop).map_err(|e| e.to_string());
        };
        match self.0.get(format!("http://127.0.0.1:{port}{path}")).call() {
            Ok(answer) if answer.status().as_u16() == 200 => Ok(()),
            Ok(answer) => Err(format!("{path} answers {}", answer.status())),
            Err(error) => Err(format!("{path}: {error}")),
        }
    }
}
