//! One connection, from its first request to an end that its client sees coming.

use std::{convert::Infallible, pin::pin, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, StatusCode, Version, header},
    response::Response,
};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    net::TcpStream,
    sync::SetOnce,
    time::{Instant, timeout_at},
};
use tower::ServiceExt;

use super::Stop;
use crate::auth::tries::Peer;

/// How long a connection that was made just before the end may take to bring its first request: that is on its way.
const FRESH: Duration = Duration::from_millis(250);

/// The most headers of a request: 100, on which everybody may count, and what proxies in front add.
const MOST_HEADERS: usize = 110;
/// The longest head of a request, and how much of one is read at once, in bytes.
const READ_AT_ONCE: usize = 64 << 10;

/// Serves one connection until its client closes it, or `stop`.
///
/// A connection that is closed without warning loses the request that its client has just sent. So HTTP/2 says
/// `GOAWAY` at the stop, which names the last request that is answered, and HTTP/1.1, which knows no such word, says
/// `Connection: close` with its next answer, for as long as it is served on; only then it is closed as it is.
pub(super) async fn serve(stream: TcpStream, router: Router, stop: Stop) {
    let accepted = Instant::now();
    // An HTTP/2 answer is several small writes; held back until the first is acknowledged, each call takes 40 ms more.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection holds small writes back");
    }
    let peer = stream.peer_addr().map(|peer| Peer(peer.ip().to_canonical())).ok();
    let asked = SetOnce::new();
    let service = service_fn(|mut request: Request<Incoming>| {
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        let version = request.version();
        // Only the first says anything new.
        let _ = asked.set(version);
        let answer = router.clone().oneshot(request.map(Body::new));
        let stop = stop.clone();
        async move {
            let answer = answer.await?;
            Ok::<_, Infallible>(if stop.is_stopping() { closing(version, answer) } else { answer })
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().max_headers(MOST_HEADERS).max_buf_size(READ_AT_ONCE);
    builder.http2().enable_connect_protocol();
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = leaves(&stop, &asked, accepted) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        // The client went away, or sent what is no HTTP and was told so.
        tracing::debug!(%error, "a connection broke");
    }
}

/// Waits until the connection is to end.
async fn leaves(stop: &Stop, asked: &SetOnce<Version>, accepted: Instant) {
    let speaks_http2 = async {
        if *asked.wait().await != Version::HTTP_2 {
            std::future::pending::<()>().await;
        }
    };
    stop.wait().await;
    tokio::select! {
        () = speaks_http2 => return,
        () = stop.leave() => {}
    }
    // Either way it ends.
    let _ = timeout_at(accepted + FRESH, asked.wait()).await;
}

/// The answer, which says that its connection ends with it. HTTP/2 has another word for it, and what is no HTTP any
/// more has none.
fn closing(version: Version, mut answer: Response) -> Response {
    if version < Version::HTTP_2 && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}
