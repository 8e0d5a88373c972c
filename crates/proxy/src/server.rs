//! Connections of clients: served on for a while after the word to stop, each told that it ends, then drained within a bound.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::{
    body::{Body, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{headers::Peer, write_timeout::WriteTimeout};

/// The longest head of a request, in bytes.
const LARGEST_HEAD: usize = 32 << 10;
/// The most headers of a request.
const MOST_HEADERS: usize = 100;
/// How much of a request is read at once, in bytes: a connection holds no more of it.
const READ_AT_ONCE: usize = 64 << 10;
/// How long a client may take to send a head; also how long its connection is kept without a request.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// How long a client may read nothing of its answer.
const READ_WITHIN: Duration = Duration::from_secs(30);
/// How long to wait when no connection can be taken: for the system to have descriptors again.
const RECOVER: Duration = Duration::from_millis(50);

/// Whoever answers requests.
pub trait Handler: Send + Sync + 'static {
    /// The body of an answer.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static;

    /// Answers a request, in any case.
    fn answer(
        &self,
        request: Request<Incoming>,
        peer: &Peer,
    ) -> impl Future<Output = Response<Self::Body>> + Send;
}

/// A server, before it takes connections.
#[derive(Debug, Clone)]
pub struct Server {
    /// The proxies that are believed when they say whom they speak for.
    pub trusted: Vec<IpNet>,
    /// Said first: every answer says from then on that its connection ends with it. A connection that is closed without warning
    /// loses the request that its client has just sent.
    pub closing: CancellationToken,
    /// Said then: no connection is taken any more, and those without a request are closed.
    pub stop: CancellationToken,
    /// Everything that is under way: connections, and what the handler adds.
    pub under_way: TaskTracker,
    /// How long it may go on after the stop.
    pub drain: Duration,
}

impl Server {
    /// Takes connections until the stop, then lets what is under way finish for at most as long as it may.
    pub async fn run(&self, listener: TcpListener, handler: Arc<impl Handler>) {
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let peer = Peer::new(peer, &self.trusted);
                    let words = (self.closing.clone(), self.stop.clone());
                    self.under_way.spawn(serve(stream, peer, Arc::clone(&handler), words));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection cannot be taken");
                    tokio::time::sleep(RECOVER).await;
                }
            }
        }
        drop(listener);
        self.under_way.close();
        tracing::info!(connections = self.under_way.len(), "stopping: requests under way may finish");
        match tokio::time::timeout(self.drain, self.under_way.wait()).await {
            Ok(()) => tracing::info!("stopped: every request had its answer"),
            Err(_) => tracing::warn!(after = ?self.drain, "stopped with requests still under way"),
        }
    }
}

/// That connections are to end, and that they end.
type Words = (CancellationToken, CancellationToken);

/// Serves one connection, one request after the other.
async fn serve(stream: TcpStream, peer: Peer, handler: Arc<impl Handler>, words: Words) {
    let address = peer.address;
    if let Err(error) = connection(stream, peer, handler, words).await {
        // The client went away, or sent what is no HTTP and was told so.
        tracing::debug!(peer = %address, %error, "a connection broke");
    }
}

async fn connection(
    stream: TcpStream,
    peer: Peer,
    handler: Arc<impl Handler>,
    (closing, stop): Words,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let peer = Arc::new(peer);
    let service = service_fn(move |request| {
        let (handler, peer, closing) = (Arc::clone(&handler), Arc::clone(&peer), closing.clone());
        async move {
            let mut answer = handler.answer(request, &peer).await;
            if closing.is_cancelled() && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
                answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_header_size(LARGEST_HEAD)
        .max_headers(MOST_HEADERS)
        .max_buf_size(READ_AT_ONCE)
        .serve_connection(TokioIo::new(WriteTimeout::new(stream, READ_WITHIN)), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        served = connection.as_mut() => return Ok(served?),
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    Ok(connection.await?)
}
