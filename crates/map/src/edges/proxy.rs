//! One edge: a port that passes HTTP/1.1 and HTTP/2 (gRPC) on, a connection for each connection, and changes nothing in it.

use std::{
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use http::{HeaderMap, Request, Response, Version};
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    client::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OnceCell, oneshot},
    task::{AbortHandle, JoinSet},
    time,
};

use super::counts::Counts;

/// After how long without a sign of life a callee of HTTP/2 that owes an answer is asked for one, and how long it has to give it. Its
/// callers' own question of that kind ends at the proxy: theirs of step 05 are as long.
const SILENT: Duration = Duration::from_secs(5);
const STILL_SILENT: Duration = Duration::from_secs(2);
/// How many fields a head may have: as many as a service takes (`chassis`), so that no answer is the proxy's own.
const HEADERS: usize = 110;
/// How many connections may wait to be taken.
const BACKLOG: u32 = 1024;

/// A proxy before `target`. Closed, it refuses connections and breaks those that are there.
pub(super) struct Proxy {
    listen: SocketAddr,
    shared: Arc<Shared>,
    server: Mutex<Option<AbortHandle>>,
}

struct Shared {
    target: SocketAddr,
    counts: Arc<Counts>,
    /// By how much each answer is later than it could be, in milliseconds.
    delay: AtomicU64,
}

impl Proxy {
    /// It is closed.
    pub(super) fn new(listen: SocketAddr, target: SocketAddr) -> Self {
        let shared = Shared { target, counts: Arc::default(), delay: AtomicU64::new(0) };
        Self { listen, shared: Arc::new(shared), server: Mutex::default() }
    }

    /// What has passed.
    pub(super) fn counts(&self) -> &Counts {
        &self.shared.counts
    }

    /// From now on each answer is that much later; those that wait for theirs already, too.
    pub(super) fn slow_by(&self, delay: Duration) {
        let delay = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.shared.delay.store(delay, Ordering::Relaxed);
    }

    /// Listens, unless it does already.
    ///
    /// # Errors
    /// The port is taken.
    pub(super) async fn open(&self) -> io::Result<()> {
        if self.server().as_ref().is_some_and(|server| !server.is_finished()) {
            return Ok(());
        }
        let mut tries = 20;
        let listener = loop {
            match listen(self.listen) {
                // The task that listened before ends in a moment.
                Err(error) if tries == 0 => return Err(error),
                Err(_) => tries -= 1,
                Ok(listener) => break listener,
            }
            time::sleep(Duration::from_millis(10)).await;
        };
        let task = tokio::spawn(serve(listener, Arc::clone(&self.shared)));
        *self.server() = Some(task.abort_handle());
        Ok(())
    }

    /// Refuses connections, and breaks those that are there.
    pub(super) fn close(&self) {
        if let Some(server) = self.server().take() {
            server.abort();
        }
    }

    fn server(&self) -> MutexGuard<'_, Option<AbortHandle>> {
        // Nothing panics while it is held.
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // Connections of before may linger on it. Elsewhere than on unix this would let two listen.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, which ends every connection.
    let mut connections = JoinSet::new();
    loop {
        let Ok((caller, _)) = listener.accept().await else {
            time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        connections.spawn(connect(caller, Arc::clone(&shared)));
    }
}

/// A caller's connection, and ours to whom it asks, until either ends.
async fn connect(caller: TcpStream, shared: Arc<Shared>) {
    let Ok(callee) = TcpStream::connect(shared.target).await else {
        // It has ended in this very moment. Closed without a word, as its own port would be.
        shared.counts.add(Duration::ZERO);
        shared.counts.fail();
        return;
    };
    for stream in [&caller, &callee] {
        let _ = stream.set_nodelay(true);
    }
    let (end, mut has_ended) = oneshot::channel();
    let upstream = Upstream {
        callee: Mutex::new(Some(callee)),
        sender: OnceCell::new(),
        has_ended: Mutex::new(Some(end)),
    };
    let upstream = Arc::new(upstream);
    let service = service_fn(move |request| {
        let (shared, upstream) = (Arc::clone(&shared), Arc::clone(&upstream));
        async move { shared.pass(&upstream, request).await }
    });
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().preserve_header_case(true).keep_alive(true).half_close(false).max_headers(HEADERS);
    // An error is a broken connection: the caller's, or the callee's, which breaks this one.
    let mut connection = pin!(server.serve_connection(TokioIo::new(caller), service));
    tokio::select! {
        _ = connection.as_mut() => {}
        result = &mut has_ended => {
            // A broken connection breaks the other one.
            if let Ok(Ok(())) = result {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
    }
}

/// The connection to the callee, which speaks what the caller speaks.
struct Upstream {
    callee: Mutex<Option<TcpStream>>,
    sender: OnceCell<Sender>,
    has_ended: Mutex<Option<oneshot::Sender<hyper::Result<()>>>>,
}

enum Sender {
    // One at a time, as its caller sends them.
    One(tokio::sync::Mutex<http1::SendRequest<Incoming>>),
    Many(http2::SendRequest<Incoming>),
}

impl Upstream {
    async fn sender(&self, version: Version) -> io::Result<&Sender> {
        self.sender.get_or_try_init(|| self.shake_hands(version)).await
    }

    async fn shake_hands(&self, version: Version) -> io::Result<Sender> {
        let callee = self.callee.lock().unwrap_or_else(PoisonError::into_inner).take();
        let callee = TokioIo::new(callee.ok_or_else(|| io::Error::other("the connection is gone"))?);
        if version == Version::HTTP_2 {
            let shaken = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .keep_alive_interval(SILENT)
                .keep_alive_timeout(STILL_SILENT)
                .handshake(callee)
                .await;
            let (sender, connection) = shaken.map_err(io::Error::other)?;
            self.tend(connection);
            return Ok(Sender::Many(sender));
        }
        let shaken = http1::Builder::new().preserve_header_case(true).handshake(callee).await;
        let (sender, connection) = shaken.map_err(io::Error::other)?;
        self.tend(connection);
        Ok(Sender::One(tokio::sync::Mutex::new(sender)))
    }

    /// Drives the connection, and tells its end: who keeps the other one for later must not find it dead.
    fn tend(&self, connection: impl Future<Output = hyper::Result<()>> + Send + 'static) {
        let has_ended = self.has_ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        tokio::spawn(async move {
            let result = connection.await;
            if let Some(has_ended) = has_ended {
                // The caller may be gone.
                let _ = has_ended.send(result);
            }
        });
    }
}

impl Shared {
    /// One request. An `Err` breaks the caller's connection (HTTP/1.1) or resets the stream (HTTP/2), as the callee's end would.
    async fn pass(&self, upstream: &Upstream, request: Request<Incoming>) -> io::Result<Response<Counted>> {
        let counting = Counting { counts: Arc::clone(&self.counts), since: Instant::now(), ends_well: false };
        let answer = match upstream.sender(request.version()).await? {
            Sender::One(sender) => {
                let mut sender = sender.lock().await;
                match sender.ready().await {
                    Ok(()) => sender.send_request(request).await,
                    Err(error) => Err(error),
                }
            }
            Sender::Many(sender) => sender.clone().send_request(request).await,
        };
        let answer = answer.map_err(io::Error::other)?;
        let mut waited = Duration::ZERO;
        loop {
            // A delay that ends meanwhile is over.
            let delay = Duration::from_millis(self.delay.load(Ordering::Relaxed));
            let Some(left) = delay.checked_sub(waited).filter(|left| !left.is_zero()) else { break };
            let nap = left.min(Duration::from_millis(20));
            time::sleep(nap).await;
            waited += nap;
        }
        let has_failed = answer.status().is_server_error() || grpc_failed(answer.headers());
        counting.answered(has_failed);
        let counts = Arc::clone(&self.counts);
        Ok(answer.map(|body| Counted { body, counts }))
    }
}

/// A request under way. Dropped before it was answered, it has failed: the callee is gone, or the caller would wait no longer.
struct Counting {
    counts: Arc<Counts>,
    since: Instant,
    ends_well: bool,
}

impl Counting {
    fn answered(mut self, has_failed: bool) {
        self.ends_well = !has_failed;
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.counts.add(self.since.elapsed());
        if !self.ends_well {
            self.counts.fail();
        }
    }
}

/// An answer's body; that of a gRPC call says at its end whether the call failed.
struct Counted {
    body: Incoming,
    counts: Arc<Counts>,
}

impl Body for Counted {
    type Data = bytes::Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && frame.trailers_ref().is_some_and(grpc_failed)
        {
            self.counts.fail();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Whether a gRPC status is one that OpenTelemetry's conventions count as an error of the server: no answer at all, or none that the
/// caller has caused.
fn grpc_failed(headers: &HeaderMap) -> bool {
    // UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS
    headers
        .get("grpc-status")
        .is_some_and(|status| [&b"2"[..], b"4", b"12", b"13", b"14", b"15"].contains(&status.as_bytes()))
}
