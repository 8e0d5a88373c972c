//! Health asked by the binary itself: an image made `FROM scratch` has no curl to ask with.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use clap::Args;

/// How long the question may take: longer than the process itself takes to find that something is missing.
const WITHIN: Duration = Duration::from_secs(2);

/// Whom `health` asks, by the variables that the process itself was started with.
#[derive(Debug, Clone, Args)]
pub struct Probe {
    /// Where the process listens.
    #[arg(long, env = "HOST", value_name = "HOST", default_value = "127.0.0.1")]
    host: IpAddr,
    /// On which port.
    #[arg(long, env = "PORT", value_name = "PORT")]
    port: u16,
    /// What to ask: whether it may have traffic.
    #[arg(long, env = "HEALTH_PATH", value_name = "HEALTH_PATH", default_value = "/health/ready")]
    path: String,
}

impl Probe {
    /// Asks, and says whether the answer is 200. What else it is stands on stderr: an engine keeps that line.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self.ask() {
            Ok(status) if status.ends_with(" 200 OK") => return true,
            Ok(status) => eprintln!("not ready: {status}"),
            Err(error) => eprintln!("not ready: {error}"),
        }
        false
    }

    /// The first line of the answer. HTTP/1.0 (RFC 1945): the answer ends with its connection.
    fn ask(&self) -> io::Result<String> {
        let until = Instant::now() + WITHIN;
        let address = SocketAddr::new(reachable(self.host), self.port);
        let mut stream = TcpStream::connect_timeout(&address, WITHIN)?;
        stream.set_write_timeout(Some(WITHIN))?;
        // In one piece: `write!` would send it in five.
        stream.write_all(format!("GET {} HTTP/1.0\r\nhost: {address}\r\n\r\n", self.path).as_bytes())?;
        let mut line = Vec::new();
        let mut byte = [0];
        while !line.ends_with(b"\r\n") && line.len() < 256 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in time"));
            }
            stream.set_read_timeout(Some(left))?;
            if stream.read(&mut byte)? == 0 {
                break;
            }
            line.push(byte[0]);
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}

/// Whoever listens on every address listens on the loopback one too.
fn reachable(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        host => host,
    }
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    fn asked(answer: &'static [u8]) -> io::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 256];
            let read = stream.read(&mut request).unwrap();
            assert!(request[..read].starts_with(b"GET /health/ready HTTP/1.0\r\n"));
            stream.write_all(answer).unwrap();
            thread::sleep(WITHIN * 2 * u32::from(answer.is_empty()));
        });
        Probe { host: Ipv4Addr::UNSPECIFIED.into(), port, path: "/health/ready".to_owned() }.ask()
    }

    #[test]
    fn the_first_line_of_the_answer_decides() {
        assert_eq!(asked(b"HTTP/1.0 200 OK\r\n\r\nready\n").unwrap(), "HTTP/1.0 200 OK");
        assert_eq!(
            asked(b"HTTP/1.1 503 Service Unavailable\r\n").unwrap(),
            "HTTP/1.1 503 Service Unavailable"
        );
    }

    #[test]
    fn a_process_that_hangs_is_not_ready() {
        let start = Instant::now();
        assert!(asked(b"").is_err());
        assert!(start.elapsed() < WITHIN * 2, "{:?}", start.elapsed());
    }
}
