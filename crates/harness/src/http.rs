//! The little HTTP that a start needs: one request to 127.0.0.1, one answer, no connection kept.
//!
//! Not a client for tests (they have reqwest) nor for the network. It exists because everybody who clones the workshop
//! waits for this crate, and a general client takes longer to build than all the rest of it.

use std::{
    fmt,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// The largest answer that is read.
const LARGEST: u64 = 32 << 20;

/// A request to a process of ours.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// `GET`, `POST` …
    pub method: &'a str,
    /// Where it listens, e.g. `http://127.0.0.1:8080`: the address in numbers.
    pub base: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// Names and values.
    pub headers: &'a [(&'a str, &'a str)],
    /// Empty for none.
    pub body: &'a str,
    /// How long all of it may take.
    pub limit: Duration,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.body.trim())
    }
}

impl Request<'_> {
    /// Sends it and reads the answer to its end.
    ///
    /// # Errors
    /// Refused, cut, too late, or no HTTP.
    pub fn send(&self) -> io::Result<Answer> {
        let until = Instant::now() + self.limit;
        let authority = self.base.strip_prefix("http://").unwrap_or(self.base);
        let address: SocketAddr = authority.parse().map_err(io::Error::other)?;
        let mut stream = TcpStream::connect_timeout(&address, self.limit)?;
        stream.set_write_timeout(Some(self.limit))?;
        // HTTP/1.0 (RFC 1945): the answer comes in one piece and ends with its connection.
        let mut request = format!("{} {} HTTP/1.0\r\nhost: {authority}\r\n", self.method, self.path);
        for (name, value) in self.headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() || self.method != "GET" {
            request.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        request.push_str("\r\n");
        request.push_str(self.body);
        stream.write_all(request.as_bytes())?;

        let mut bytes = Vec::new();
        let mut reader = Timed { stream, until }.take(LARGEST);
        reader.read_to_end(&mut bytes)?;
        parse(&bytes)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not whole HTTP"))
    }
}

/// A stream whose every read ends with the whole request's time.
struct Timed {
    stream: TcpStream,
    until: Instant,
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the answer takes too long"));
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(buffer)
    }
}

/// Status and body; `None` when it is no HTTP, or shorter than it says.
fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let body = &bytes[end + 4..];
    let mut lines = head.lines();
    let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    for line in lines {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") && value.trim().parse() != Ok(body.len()) {
            return None;
        }
    }
    Some(Answer { status, body: String::from_utf8_lossy(body).into_owned() })
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    fn answer(bytes: &'static [u8], then: Duration) -> io::Result<Answer> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let read = stream.read(&mut request).unwrap();
            assert!(request[..read].starts_with(b"POST /x?y=1 HTTP/1.0\r\n"));
            stream.write_all(bytes).unwrap();
            thread::sleep(then);
        });
        let headers = [("authorization", "Bearer t")];
        let limit = Duration::from_secs(2);
        Request { method: "POST", base: &base, path: "/x?y=1", headers: &headers, body: "{}", limit }.send()
    }

    #[test]
    fn status_and_body_are_read() {
        let got = answer(b"HTTP/1.0 201 Created\r\nContent-Length: 2\r\n\r\nhi", Duration::ZERO).unwrap();
        assert_eq!(got, Answer { status: 201, body: "hi".into() });
        let got = answer(b"HTTP/1.1 204 No Content\r\n\r\n", Duration::ZERO).unwrap();
        assert_eq!(got, Answer { status: 204, body: String::new() });
    }

    #[test]
    fn half_an_answer_is_none() {
        assert!(answer(b"HTTP/1.0 200 OK\r\ncontent-length: 9\r\n\r\nhi", Duration::ZERO).is_err());
        assert!(answer(b"HTTP/1.0 200 OK\r\ncont", Duration::ZERO).is_err());
        assert!(answer(b"SSH-2.0-x\r\n\r\n", Duration::ZERO).is_err());
    }

    #[test]
    fn a_late_answer_is_an_error() {
        let start = Instant::now();
        assert!(answer(b"HTTP/1.0 200 OK\r\n", Duration::from_secs(5)).is_err());
        assert!(start.elapsed() < Duration::from_secs(3));
    }
}
