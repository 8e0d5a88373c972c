//! Answers that are ready before their request has been read.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::header,
    middleware::Next,
    response::Response,
};
use futures::StreamExt;
use hyper::body::{Frame, SizeHint};
use tokio::{sync::oneshot, time::timeout};

/// What is still read of a body that nobody wants, in bytes; a longer one costs its client the connection.
const MOST: u64 = 256 << 10;
/// How long a client may take to send that.
const PATIENCE: Duration = Duration::from_millis(500);

/// Middleware: reads what the handler left of the request, so that the answer arrives.
///
/// A server that answers early and closes while bytes are on their way to it has the connection reset, and its answer may
/// be lost with it (RFC 9112 §9.6): a client behind a gateway then sees 502 in place of 413. Proxies call the cure a
/// lingering close.
pub async fn read_rest(request: Request, next: Next) -> Response {
    // Who asks before sending has sent nothing.
    if request.body().is_end_stream() || request.headers().contains_key(header::EXPECT) {
        return next.run(request).await;
    }
    let (give_back, mut given_back) = oneshot::channel();
    let lent = request.map(|body| Body::new(Lent { body, give_back: Some(give_back) }));
    let response = next.run(lent).await;
    if let Ok(rest) = given_back.try_recv() {
        // Read or not: whoever sends too much, or nothing, has had the answer offered.
        let _ = timeout(PATIENCE, discard(rest)).await;
    }
    response
}

async fn discard(rest: Body) {
    let mut left = MOST;
    if rest.size_hint().lower() > left {
        return;
    }
    let mut rest = rest.into_data_stream();
    while let Some(Ok(data)) = rest.next().await {
        let Some(less) = left.checked_sub(data.len() as u64) else { return };
        left = less;
    }
}

/// A body that is given back when it is dropped.
struct Lent {
    body: Body,
    give_back: Option<oneshot::Sender<Body>>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(give_back) = self.give_back.take() {
            // Nobody waits for it any more: it ends here.
            let _ = give_back.send(std::mem::take(&mut self.body));
        }
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::{Router, routing::post};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        time::{Instant, sleep},
    };

    use super::*;
    use crate::http::{frame, limited};

    const LIMIT: usize = 64 << 10;

    /// A server that takes bodies of at most [`LIMIT`].
    async fn server() -> SocketAddr {
        let echo = post(async |body: String| body);
        let router = frame(limited(Router::new().route("/", echo), LIMIT));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        address
    }

    /// Sends `head` and, piece by piece, `length` bytes; then reads the answer's head.
    async fn ask(address: SocketAddr, head: &str, length: usize) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(head.as_bytes()).await?;
        for piece in vec![b'x'; length].chunks(8_000) {
            stream.write_all(piece).await?;
            sleep(Duration::from_millis(1)).await;
        }
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
    }

    fn announcing(length: usize) -> String {
        format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n")
    }

    #[tokio::test]
    async fn whoever_sends_too_much_is_told_so() {
        let address = server().await;
        let answer = ask(address, &announcing(LIMIT + 6000), LIMIT + 6000).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        let nobodys = announcing(9000).replace("POST / ", "POST /nobodys ");
        let answer = ask(address, &nobodys, 9000).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
        let taken = ask(address, &announcing(9000), 9000).await.unwrap();
        assert!(taken.starts_with("HTTP/1.1 200 "), "{taken}");
    }

    #[tokio::test]
    async fn whoever_sends_nothing_or_too_much_to_read_does_not_hold_up_the_answer() {
        let address = server().await;
        let told = async |length: usize| {
            let since = Instant::now();
            let answer = ask(address, &announcing(length), 0).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
            since.elapsed()
        };
        assert!(told(LIMIT + 1).await < PATIENCE * 10);
        // One that nobody waits for; a busy machine may hold up some.
        let mut took = Vec::new();
        for _ in 0..5 {
            took.push(told(1 << 30).await);
        }
        assert!(took.iter().min() < Some(&(PATIENCE / 2)), "{took:?}");
    }
}
