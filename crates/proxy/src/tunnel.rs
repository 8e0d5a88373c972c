//! A connection that has stopped being HTTP (RFC 9110, 7.8), WebSocket for one: bytes in both directions.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio_util::sync::CancellationToken;

/// Carries bytes between the client and the upstream until one of them ends, or `stop`.
pub async fn carry(client: OnUpgrade, upstream: OnUpgrade, stop: CancellationToken) {
    let carried = async {
        let (client, upstream) = match tokio::try_join!(client, upstream) {
            Ok(ends) => ends,
            Err(error) => return tracing::warn!(%error, "a connection did not become a tunnel"),
        };
        let ended = copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(upstream)).await;
        tracing::debug!(?ended, "a tunnel ended");
    };
    tokio::select! {
        () = carried => {}
        () = stop.cancelled() => {}
    }
}
