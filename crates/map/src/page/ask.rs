//! One request to a process of the system, and nothing kept of it.

use std::{io, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

/// The largest answer that is read.
const LARGEST: usize = 4 << 20;

/// `GET path` of the process at `base`, such as `http://127.0.0.1:8080`, within `limit`.
///
/// # Errors
/// It is not reached, breaks off, or is too late.
pub(super) async fn get(base: &str, path: &str, limit: Duration) -> io::Result<(StatusCode, Bytes)> {
    let ask = async {
        let authority = base.strip_prefix("http://").unwrap_or(base);
        let stream = TokioIo::new(TcpStream::connect(authority).await?);
        let (mut sender, connection) = http1::handshake(stream).await.map_err(io::Error::other)?;
        let request = Request::get(path)
            .header(header::HOST, authority)
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(io::Error::other)?;
        let ask = async {
            let answer = sender.send_request(request).await.map_err(io::Error::other)?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), LARGEST).collect().await.map_err(io::Error::other)?;
            Ok((status, body.to_bytes()))
        };
        tokio::pin!(ask);
        tokio::select! {
            answer = &mut ask => answer,
            _ = connection => ask.await,
        }
    };
    timeout(limit, ask).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}
