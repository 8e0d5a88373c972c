//! An upstream that does what the path says, and keeps what it was sent.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use acceptance::tokio::{
    self,
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, sleep},
};

use crate::client::header;

/// What it was sent: the head as it came, and the body without chunks' sizes taken out.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A server on a port of its own. Every answer's body begins with its name, unless the path says something else.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    name: &'static str,
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    gate: watch::Sender<bool>,
}

impl Upstream {
    pub(crate) async fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let gate = watch::Sender::new(false);
        let shared =
            Arc::new(Shared { name, seen: Mutex::default(), connections: AtomicUsize::new(0), gate });
        let upstream = Self { url, shared: Arc::clone(&shared) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::Relaxed);
                let shared = Arc::clone(&shared);
                tokio::spawn(async move { shared.serve(stream).await });
            }
        });
        upstream
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().expect("nothing panics while it is held").clone()
    }

    /// The last request.
    pub(crate) fn last(&self) -> Seen {
        self.seen().pop().expect("something was passed on")
    }

    /// How often somebody has connected.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Lets everybody through who waits at `/gate`.
    pub(crate) fn open_gate(&self) {
        self.shared.gate.send_replace(true);
    }

    /// Waits until so many requests have come.
    pub(crate) async fn has_seen(&self, count: usize) {
        let until = Instant::now() + Duration::from_secs(10);
        while self.seen().len() < count {
            assert!(Instant::now() < until, "{} of {count} requests came", self.seen().len());
            sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Shared {
    async fn serve(&self, mut stream: TcpStream) {
        let mut read = Vec::new();
        let mut is_kept = false;
        while let Some(seen) = self.request(&mut stream, &mut read).await {
            let path = seen.head.split(' ').nth(1).unwrap_or_default().to_owned();
            self.seen.lock().expect("nothing panics while it is held").push(seen);
            if !self.answer(&path, is_kept, &mut stream).await {
                return;
            }
            is_kept = true;
        }
    }

    /// The next request; what is behind it stays in `read`.
    async fn request(&self, stream: &mut TcpStream, read: &mut Vec<u8>) -> Option<Seen> {
        let end = until(stream, read, |read| find(read, b"\r\n\r\n")).await?;
        let rest = read.split_off(end);
        let head = String::from_utf8(std::mem::replace(read, rest)).expect("a head is text");
        if head.contains(" /early ") {
            // Before the body is there.
            self.seen
                .lock()
                .expect("nothing panics while it is held")
                .push(Seen { head: head.clone(), body: Vec::new() });
        }
        let length = header(&head, "content-length").map_or(0, |length| length.parse().expect("a length"));
        let end = if header(&head, "transfer-encoding").is_some() {
            until(stream, read, |read| find(read, b"0\r\n\r\n")).await?
        } else {
            until(stream, read, |read| (read.len() >= length).then_some(length)).await?
        };
        let rest = read.split_off(end);
        let body = std::mem::replace(read, rest);
        Some(Seen { head, body })
    }

    /// Does what the path says, on a connection that has answered before or not; whether the connection goes on.
    async fn answer(&self, path: &str, is_kept: bool, stream: &mut TcpStream) -> bool {
        let path = path.split('?').next().unwrap_or_default();
        let whole = |body: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let answer = match path {
            "/hang" => std::future::pending().await,
            "/cut" => return false,
            "/cut-kept" if is_kept => return false,
            "/half-kept" if is_kept => {
                let _ = stream.write_all(b"HTTP/1.1 200").await;
                return false;
            }
            "/old-version" => {
                let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nall of it").await;
                return false;
            }
            "/garbage" => "this is no answer\r\n\r\n".to_owned(),
            "/silent" => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes.".to_owned(),
            "/gate" => {
                self.open().await;
                whole(self.name)
            }
            "/parts" => {
                let first = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n";
                let _ = stream.write_all(first.as_bytes()).await;
                self.open().await;
                "6\r\nsecond\r\n0\r\n\r\n".to_owned()
            }
            "/hops" => "HTTP/1.1 200 OK\r\nConnection: x-private, keep-alive\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\n\
                        Proxy-Connection: x\r\nX-Kept: yes\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n"
                .to_owned(),
            "/close-later" => {
                let _ = stream.write_all(whole(self.name).as_bytes()).await;
                return false;
            }
            "/upgrade" => {
                let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
                let _ = stream.write_all(switch.as_bytes()).await;
                let (mut reader, mut writer) = stream.split();
                let _ = tokio::io::copy(&mut reader, &mut writer).await;
                return false;
            }
            "/big" => whole(&"0123456789".repeat(300_000)),
            _ => whole(self.name),
        };
        stream.write_all(answer.as_bytes()).await.is_ok()
    }

    async fn open(&self) {
        // The sender lives as long as this.
        let _ = self.gate.subscribe().wait_for(|open| *open).await;
    }
}

/// Reads on until `found` says where the part ends.
async fn until(
    stream: &mut TcpStream,
    read: &mut Vec<u8>,
    found: impl Fn(&[u8]) -> Option<usize>,
) -> Option<usize> {
    loop {
        if let Some(end) = found(read) {
            return Some(end);
        }
        if stream.read_buf(read).await.ok()? == 0 {
            return None;
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted).map(|at| at + wanted.len())
}
