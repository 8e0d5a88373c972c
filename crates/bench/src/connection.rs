//! A client that costs little beside what it measures.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

/// How long one answer may take. Whoever needs longer is not worth measuring.
const PATIENCE: Duration = Duration::from_secs(30);

/// One connection that is kept (HTTP/1.1, without TLS), with one request at a time.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    authority: String,
}

impl Connection {
    /// Connects to `base`, e.g. `http://127.0.0.1:8080`: the address in numbers.
    ///
    /// # Errors
    /// Nobody listens there.
    pub async fn open(base: &str) -> Result<Self> {
        let authority = base.trim_start_matches("http://").to_owned();
        let stream = timeout(PATIENCE, TcpStream::connect(&authority))
            .await
            .with_context(|| format!("{base} does not accept within {PATIENCE:?}"))?
            .with_context(|| format!("cannot connect to {base}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends with the sender. What goes wrong there, the request under way is told.
        tokio::spawn(connection);
        Ok(Self { sender, authority })
    }

    /// `GET path`, with the whole body.
    ///
    /// # Errors
    /// The connection is cut, the answer takes longer than 30 s, or it is anything but 200.
    pub async fn get(&mut self, path: &str) -> Result<Response<Bytes>> {
        let request = Request::get(path).header(header::HOST, &self.authority).body(Empty::new())?;
        let answer = async {
            self.sender.ready().await?;
            let (head, body) = self.sender.send_request(request).await?.into_parts();
            anyhow::Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
        };
        let answer = timeout(PATIENCE, answer)
            .await
            .with_context(|| format!("GET {path}: no answer within {PATIENCE:?}"))?
            .with_context(|| format!("GET {path}"))?;
        let status = answer.status();
        ensure!(status == 200, "GET {path}: {status} {}", String::from_utf8_lossy(answer.body()));
        Ok(answer)
    }
}
