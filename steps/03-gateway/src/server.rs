//! Connections of clients: taken until the stop, then drained within a bound.

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use chassis::serve::{DRAIN, Stop};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use crate::{headers::Peer, patience::Patient, proxy::Gateway};

/// The longest head of a request, in bytes.
pub const LARGEST_HEAD: usize = 32 << 10;
/// The most headers of a request.
const MOST_HEADERS: usize = 100;
/// How long a client may take to send a head; also how long its connection is kept without a request.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// How long a client may read nothing of its answer.
const READ_WITHIN: Duration = Duration::from_secs(30);
/// How long to wait when no connection can be taken: for the system to have descriptors again.
const RECOVER: Duration = Duration::from_millis(50);

/// Takes connections until `stop`, then lets requests under way finish for at most [`DRAIN`].
pub async fn run(listener: TcpListener, gateway: Arc<Gateway>, stop: Stop) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.wait() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = serve(stream, peer, Arc::clone(&gateway), stop.clone());
                gateway.under_way.spawn(connection);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be taken");
                tokio::time::sleep(RECOVER).await;
            }
        }
    }
    drop(listener);
    gateway.under_way.close();
    tracing::info!(connections = gateway.under_way.len(), "stopping: requests under way may finish");
    match tokio::time::timeout(DRAIN, gateway.under_way.wait()).await {
        Ok(()) => tracing::info!("stopped: every request had its answer"),
        Err(_) => tracing::warn!(after = ?DRAIN, "stopped with requests still under way"),
    }
}

/// Serves one connection, one request after the other.
async fn serve(stream: TcpStream, peer: SocketAddr, gateway: Arc<Gateway>, stop: Stop) {
    if let Err(error) = connection(stream, peer, gateway, stop).await {
        // The client went away, or sent what is no HTTP and was told so.
        tracing::debug!(%peer, %error, "a connection broke");
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    gateway: Arc<Gateway>,
    stop: Stop,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    stream.set_nodelay(true).map_err(io::Error::other)?;
    let peer = Arc::new(Peer::new(peer, &gateway.trusted));
    let service = service_fn(move |request| {
        let (gateway, peer) = (Arc::clone(&gateway), Arc::clone(&peer));
        async move { Ok::<_, Infallible>(gateway.answer(request, &peer).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_header_size(LARGEST_HEAD)
        .max_headers(MOST_HEADERS)
        .serve_connection(TokioIo::new(Patient::new(stream, READ_WITHIN)), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        served = connection.as_mut() => return Ok(served?),
        () = stop.wait() => connection.as_mut().graceful_shutdown(),
    }
    Ok(connection.await?)
}
