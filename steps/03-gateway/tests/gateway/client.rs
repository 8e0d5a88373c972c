//! A client that sends bytes, and reads what comes back.

use std::time::Duration;

use acceptance::tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long one answer may take: longer than any deadline of a test's table.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection.
pub(crate) struct Client {
    stream: TcpStream,
    read: Vec<u8>,
}

/// An answer, as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Whether the body came to its end.
    pub(crate) is_whole: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    /// Asserts a problem of this kind.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, kind: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert!(self.text().contains(&format!("\"urn:automator:{kind}\"")), "{self:?}");
    }
}

/// The value of a header of a head.
pub(crate) fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
}

impl Client {
    /// Connects to a URL.
    pub(crate) async fn connect(url: &str) -> Self {
        let stream = TcpStream::connect(url.trim_start_matches("http://")).await.expect("somebody listens");
        Self { stream, read: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // Whoever refuses a request may close before all of it was sent.
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    /// The next bytes; none when the connection has ended.
    pub(crate) async fn more(&mut self) -> Vec<u8> {
        if !self.read.is_empty() {
            return std::mem::take(&mut self.read);
        }
        let mut bytes = vec![0; 1 << 16];
        let read = timeout(PATIENCE, self.stream.read(&mut bytes)).await.expect("something comes in time");
        bytes.truncate(read.unwrap_or(0));
        bytes
    }

    /// The next head, with its line ends.
    pub(crate) async fn head(&mut self) -> String {
        let mut head = Vec::new();
        loop {
            if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
                self.read = head.split_off(end + 4);
                return String::from_utf8(head).expect("a head is text");
            }
            let more = self.more().await;
            assert!(!more.is_empty(), "the connection ended in a head: {}", String::from_utf8_lossy(&head));
            head.extend(more);
        }
    }

    /// The next answer; a chunked body is shown without its chunks. For HEAD use [`Client::head`].
    pub(crate) async fn answer(&mut self) -> Answer {
        let head = self.head().await;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let length = header(&head, "content-length").map(|length| length.parse().expect("a length"));
        let chunked = header(&head, "transfer-encoding").is_some();
        let (mut body, mut is_whole) = (Vec::new(), true);
        loop {
            let done = if chunked {
                body.ends_with(b"0\r\n\r\n")
            } else {
                length.is_none_or(|length: usize| body.len() >= length)
            };
            if done {
                break;
            }
            let more = self.more().await;
            if more.is_empty() {
                is_whole = false;
                break;
            }
            body.extend(more);
        }
        if chunked && is_whole {
            body = unchunked(&body);
        }
        Answer { status, head, body, is_whole }
    }

    /// The status of the next answer, or none when the connection ends without one.
    pub(crate) async fn status(&mut self) -> Option<u16> {
        let first = self.more().await;
        let status = String::from_utf8_lossy(&first).split(' ').nth(1)?.parse().ok();
        self.read = first;
        status
    }
}

fn unchunked(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = chunks.windows(2).position(|window| window == b"\r\n").expect("a chunk has a size");
        let size = std::str::from_utf8(&chunks[..end]).expect("a size is text");
        let size = usize::from_str_radix(size, 16).expect("a size");
        if size == 0 {
            return body;
        }
        body.extend(&chunks[end + 2..end + 2 + size]);
        chunks = &chunks[end + 2 + size + 2..];
    }
}

/// Sends one request on a connection of its own.
pub(crate) async fn ask(url: &str, request: impl AsRef<[u8]>) -> Answer {
    let mut client = Client::connect(url).await;
    client.send(request).await;
    client.answer().await
}

/// `GET path` with more lines of a head, each with its line end.
pub(crate) async fn get(url: &str, path: &str, more: &str) -> Answer {
    ask(url, format!("GET {path} HTTP/1.1\r\nHost: front.example\r\n{more}\r\n")).await
}
