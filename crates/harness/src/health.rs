//! Whether a process is ready.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

use crate::http::Request;

/// How long one question may take. A process that is slower than this is not ready.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks the process on `port` of 127.0.0.1, or, without a path, whether it listens. `Err` says why it is not ready.
pub(crate) fn check(port: u16, path: Option<&str>) -> Result<(), String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let Some(path) = path else {
        return TcpStream::connect_timeout(&address, PATIENCE).map(drop).map_err(|e| e.to_string());
    };
    let base = format!("http://{address}");
    match (Request { method: "GET", base: &base, path, headers: &[], body: "", limit: PATIENCE }).send() {
        Ok(answer) if answer.status == 200 => Ok(()),
        Ok(answer) => Err(format!("{path} answers {answer}")),
        Err(error) => Err(format!("{path}: {error}")),
    }
}
