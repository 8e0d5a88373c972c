//! A server behind the proxy, and the connections to it.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use http::{HeaderValue, Method, Request, Response, header};
use hyper::{
    body::{Body, Incoming},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

use crate::{
    Error,
    heard::{Heard, Listening},
};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(2);
/// How long a connection without a request is kept.
const KEPT_FOR: Duration = Duration::from_secs(30);
/// How many connections without a request are kept.
const KEPT: usize = 512;
/// The longest head of an answer, and how much of a body is read at once, in bytes.
const BUFFER: usize = 512 << 10;

/// A connection to an upstream.
#[derive(Debug)]
struct Connection<B> {
    sender: SendRequest<B>,
    heard: Heard,
}

/// The same request, where it is a read that has nothing but a head.
fn read<B: Body + Default>(request: &Request<B>) -> Option<Request<B>> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD) && request.body().is_end_stream();
    is_read.then(|| {
        let mut same = Request::new(B::default());
        same.method_mut().clone_from(request.method());
        same.uri_mut().clone_from(request.uri());
        same.headers_mut().clone_from(request.headers());
        same
    })
}

/// A server that answers requests.
#[derive(Debug)]
pub struct Upstream<B> {
    /// Host and port.
    authority: String,
    /// Connections without a request, the one used last at the end: the first ones grow old when there is less to do.
    kept: Mutex<VecDeque<(Connection<B>, Instant)>>,
}

impl<B> Upstream<B>
where
    B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Default
        + Send
        + Unpin
        + 'static,
{
    /// The server at `authority`, e.g. `127.0.0.1:8081`. Nobody is connected to yet.
    #[must_use]
    pub fn new(authority: &str) -> Self {
        Self { authority: authority.to_owned(), kept: Mutex::default() }
    }

    /// Host and port.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Sends a request and waits for the head of its answer. A kept connection that turns out to be closed before any of the
    /// request was sent costs nothing but another one. Once it may have been sent it is not sent again, but for a read: an upstream
    /// that stops, or has waited long enough, closes a kept connection just as we use it. When not a byte of an answer has come,
    /// a read is sent once more, on a connection of its own (RFC 9110, 9.2.2).
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Broken`]. It has no deadline of its own, but a connection has one.
    pub async fn send(
        self: &Arc<Self>,
        mut request: Request<B>,
    ) -> Result<(Response<Incoming>, Lease<B>), Error> {
        self.name_host(&mut request);
        while let Some(mut connection) = self.take() {
            let repeat = read(&request);
            let heard = connection.heard.bytes();
            match connection.sender.try_send_request(request).await {
                Ok(answer) => return Ok((answer, self.lease(connection))),
                Err(mut error) => match (error.take_message(), repeat) {
                    (Some(unsent), _) => request = unsent,
                    (None, Some(repeat)) if connection.heard.bytes() == heard => {
                        tracing::debug!(
                            upstream = self.authority,
                            "a kept connection was closed; asked again"
                        );
                        request = repeat;
                        break;
                    }
                    _ => return Err(Error::Broken(Some(error.into_error()))),
                },
            }
        }
        let mut connection = self.connect().await.map_err(Error::Unreachable)?;
        let answer = connection.sender.send_request(request).await;
        let answer = answer.map_err(|error| Error::Broken(Some(error)))?;
        Ok((answer, self.lease(connection)))
    }

    /// Says for whom a request is that does not say it: HTTP/1.1 wants a Host, older clients need not know it (RFC 9112, 3.2).
    fn name_host(&self, request: &mut Request<B>) {
        if !request.headers().contains_key(header::HOST)
            && let Ok(host) = HeaderValue::from_str(&self.authority)
        {
            request.headers_mut().insert(header::HOST, host);
        }
    }

    async fn connect(&self) -> io::Result<Connection<B>> {
        let stream = timeout(CONNECT, TcpStream::connect(&self.authority))
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no connection in time"))??;
        stream.set_nodelay(true)?;
        let heard = Heard::default();
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(BUFFER)
            .handshake(TokioIo::new(Listening { stream, heard: heard.clone() }))
            .await
            .map_err(io::Error::other)?;
        // Ends with the sender. What goes wrong there, the request under way is told.
        tokio::spawn(connection.with_upgrades());
        Ok(Connection { sender, heard })
    }

    /// A kept connection that can take a request now, if there is one.
    fn take(&self) -> Option<Connection<B>> {
        let mut kept = self.kept();
        let mut busy = VecDeque::new();
        let ready = loop {
            match kept.pop_back() {
                Some((connection, _)) if connection.sender.is_ready() => break Some(connection),
                Some((connection, _)) if connection.sender.is_closed() => {}
                // Answered before it was sent to its end: what is left is still on its way.
                Some(sending) => busy.push_front(sending),
                None => break None,
            }
        };
        kept.append(&mut busy);
        ready
    }

    fn keep(&self, connection: Connection<B>) {
        let now = Instant::now();
        let mut kept = self.kept();
        while kept.front().is_some_and(|(_, since)| now - *since > KEPT_FOR) || kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((connection, now));
    }

    fn lease(self: &Arc<Self>, connection: Connection<B>) -> Lease<B> {
        Lease { upstream: Arc::clone(self), connection }
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(Connection<B>, Instant)>> {
        // A panic in between leaves connections that are as good as before.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection whose answer is still being read. Dropped, it is closed.
#[derive(Debug)]
pub struct Lease<B> {
    upstream: Arc<Upstream<B>>,
    connection: Connection<B>,
}

impl<B> Lease<B>
where
    B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Default
        + Send
        + Unpin
        + 'static,
{
    /// The answer was read to its end: the connection may take another request.
    pub fn give_back(self) {
        self.upstream.keep(self.connection);
    }
}
