//! An HTTP/1.1 proxy that stands before a process and, on request, is a bad network or a bad version of it.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use std::time::Duration;
//! use harness::{Fault, Proxy};
//!
//! let proxy = Proxy::start("http://127.0.0.1:8080").await?;
//! proxy.add(Fault::answer(503).on("POST", "/v3/mail").times(2));
//! proxy.add(Fault::rewrite(|_, body| body["due_date"] = serde_json::Value::Null).on("GET", "/api/tasks"));
//! // … point a client or another process at proxy.url() …
//! proxy.clear();
//! # Ok(()) }
//! ```
//!
//! A request meets every fault that it matches, in the order in which they were added: delays add up, rewrites follow one
//! another, and the first fault that answers or breaks decides. Nothing is random. A fault with [`Fault::times`] wears out.

use std::{
    convert::Infallible,
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Method, Request, Response, StatusCode, Uri, Version, header, request::Parts, uri::PathAndQuery};
use http_body_util::{BodyExt, Full, Limited, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::TokioIo;
use proxy::{hop_by_hop, upstream::Upstream};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
    time,
};

/// The largest body that passes, in either direction.
const LARGEST: usize = 32 << 20;
/// How long the upstream may take for one answer.
const PATIENCE: Duration = Duration::from_secs(60);

type Rewrite = Arc<dyn Fn(&Parts, &mut Value) + Send + Sync>;
type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Something that goes wrong for the requests it matches: all of them, unless [`Fault::on`] says which.
#[derive(Clone)]
pub struct Fault {
    kind: Kind,
    method: Option<Method>,
    path: String,
    left: Option<u32>,
}

#[derive(Clone)]
enum Kind {
    Delay(Duration),
    Answer(StatusCode, String),
    Rewrite(Rewrite),
    Cut,
    Drop,
}

impl Fault {
    fn new(kind: Kind) -> Self {
        Self { kind, method: None, path: String::new(), left: None }
    }

    /// The request is passed on after `time`.
    #[must_use]
    pub fn delay(time: Duration) -> Self {
        Self::new(Kind::Delay(time))
    }

    /// The upstream is not asked; the answer is `status` with an empty body. A number that is no status is a 500.
    #[must_use]
    pub fn answer(status: u16) -> Self {
        Self::answer_with(status, "")
    }

    /// The upstream is not asked; the answer is `status` with `body`, as JSON or not.
    #[must_use]
    pub fn answer_with(status: u16, body: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::new(Kind::Answer(status, body.into()))
    }

    /// What the upstream answered as JSON is changed by `rewrite`, which also sees the request. Other bodies pass.
    #[must_use]
    pub fn rewrite(rewrite: impl Fn(&Parts, &mut Value) + Send + Sync + 'static) -> Self {
        Self::new(Kind::Rewrite(Arc::new(rewrite)))
    }

    /// The upstream is asked, its work is done, and the connection breaks in the middle of its answer.
    #[must_use]
    pub fn cut() -> Self {
        Self::new(Kind::Cut)
    }

    /// The connection closes without an answer; the upstream is not asked.
    #[must_use]
    pub fn drop_connection() -> Self {
        Self::new(Kind::Drop)
    }

    /// Only for requests of this method whose path begins with `path`.
    ///
    /// # Panics
    /// When `method` is none.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a method is written in the test's source")]
    pub fn on(mut self, method: &str, path: &str) -> Self {
        self.method = Some(Method::from_bytes(method.as_bytes()).expect("the name of an HTTP method"));
        path.clone_into(&mut self.path);
        self
    }

    /// Only for the next `count` requests that match.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.left = Some(count);
        self
    }

    fn matches(&self, method: &Method, path: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted == method)
            && path.starts_with(&self.path)
            && self.left != Some(0)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::Delay(_) => "delay",
            Kind::Answer(..) => "answer",
            Kind::Rewrite(_) => "rewrite",
            Kind::Cut => "cut",
            Kind::Drop => "drop",
        };
        write!(f, "{kind} on {:?} {}*, {:?} times", self.method, self.path, self.left)
    }
}

/// A running proxy. Dropped, it closes its port and every connection.
pub struct Proxy {
    url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    upstream: Arc<Upstream<Full<Bytes>>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    faults: Vec<Fault>,
    seen: Vec<(Method, String)>,
}

impl Proxy {
    /// Listens on a port of its own and passes everything on to `upstream`, e.g. `http://127.0.0.1:8080`, which need not
    /// listen yet.
    ///
    /// # Errors
    /// No port is free, or `upstream` is no such URL.
    pub async fn start(upstream: &str) -> io::Result<Self> {
        Self::start_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?, upstream)
    }

    /// As [`Proxy::start`], where `listener` listens.
    ///
    /// # Errors
    /// The listener has no address, or `upstream` is no such URL.
    pub fn start_on(listener: TcpListener, upstream: &str) -> io::Result<Self> {
        let address: SocketAddr = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream: Arc::new(Upstream::new(authority(upstream)?)),
            state: Mutex::default(),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self { url: format!("http://{address}"), shared, server })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on, `fault` happens.
    pub fn add(&self, fault: Fault) {
        self.shared.state().faults.push(fault);
    }

    /// From now on, nothing goes wrong.
    pub fn clear(&self) {
        self.shared.state().faults.clear();
    }

    /// The requests so far: method and path with query, in the order in which they came.
    #[must_use]
    pub fn seen(&self) -> Vec<(Method, String)> {
        self.shared.state().seen.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the request and takes what will happen to it.
    fn faults_for(&self, method: &Method, uri: &Uri) -> Vec<Kind> {
        let mut state = self.state();
        state.seen.push((method.clone(), uri.to_string()));
        let mut kinds = Vec::new();
        for fault in &mut state.faults {
            if fault.matches(method, uri.path()) {
                fault.left = fault.left.map(|left| left - 1);
                kinds.push(fault.kind.clone());
            }
        }
        kinds
    }

    /// One request. An `Err` breaks the connection.
    async fn handle(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let (mut parts, body) = request.into_parts();
        let mut rewrites = Vec::new();
        let mut cut = false;
        for kind in self.faults_for(&parts.method, &parts.uri) {
            match kind {
                Kind::Delay(delay) => time::sleep(delay).await,
                Kind::Answer(status, body) => return Ok(answer(status, body.into())),
                Kind::Drop => return Err(io::Error::other("a fault drops the connection")),
                Kind::Cut => cut = true,
                Kind::Rewrite(rewrite) => rewrites.push(rewrite),
            }
        }

        let body = Limited::new(body, LARGEST).collect().await.map_err(io::Error::other)?.to_bytes();
        let seen = parts.clone();
        parts.uri =
            parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")).into();
        parts.version = Version::HTTP_11;
        hop_by_hop::remove(&mut parts.headers);
        // The upstream's own is put in its place.
        parts.headers.remove(header::HOST);
        let ask = async {
            // The connection is never given back: a kept one could be closed under a request, a fault that nobody asked for.
            let answer = self.upstream.send(Request::from_parts(parts, Full::new(body))).await;
            let (answer, _connection) = answer.map_err(io::Error::other)?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, LARGEST).collect().await.map_err(io::Error::other)?.to_bytes();
            io::Result::Ok((parts, body))
        };
        let Ok(Ok((mut parts, mut body))) = time::timeout(PATIENCE, ask).await else {
            return Ok(answer(StatusCode::BAD_GATEWAY, "the upstream of this proxy does not answer".into()));
        };

        hop_by_hop::remove(&mut parts.headers);
        if !rewrites.is_empty()
            && let Ok(mut value) = serde_json::from_slice::<Value>(&body)
        {
            for rewrite in rewrites {
                rewrite(&seen, &mut value);
            }
            body = value.to_string().into();
        }
        // For HEAD the length is of what GET would answer.
        if seen.method != Method::HEAD && parts.headers.remove(header::CONTENT_LENGTH).is_some() {
            parts.headers.insert(header::CONTENT_LENGTH, body.len().into());
        }
        let body = if cut { half(&body) } else { whole(body) };
        Ok(Response::from_parts(parts, body))
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, which ends every connection.
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        let shared = Arc::clone(&shared);
        let service = hyper::service::service_fn(move |request| {
            let shared = Arc::clone(&shared);
            async move { shared.handle(request).await }
        });
        connections.spawn(async move {
            // An error here is a broken connection: one of ours, or the client's own.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

fn whole(body: Bytes) -> Body {
    Full::new(body).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// The first half of `body`, then a broken connection.
fn half(body: &Bytes) -> Body {
    let first = Frame::data(body.slice(..body.len() / 2));
    let broken = async {
        // The server sends what it has while it waits for more; without a wait the client would not see the first half.
        time::sleep(Duration::from_millis(10)).await;
        Err(io::Error::other("a fault cuts the answer"))
    };
    StreamBody::new(stream::iter([Ok(first)]).chain(stream::once(broken))).boxed_unsync()
}

fn answer(status: StatusCode, body: Bytes) -> Response<Body> {
    let mut response = Response::new(whole(body));
    *response.status_mut() = status;
    response
}

/// Host and port of a URL.
fn authority(url: &str) -> io::Result<&str> {
    let authority = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    authority
        .filter(|authority| !authority.contains('/'))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("{url} is not http://host:port")))
}
