//! Serving until somebody says stop, and draining within a bound.

use std::{io, net::IpAddr, time::Duration};

use anyhow::Context;
use axum::{Router, serve::ListenerExt};
use tokio::{net::TcpListener, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

/// How long requests that are under way may go on after a stop; then the process ends without them.
pub const DRAIN: Duration = Duration::from_secs(8);

/// How much longer than requests the workers and the database may take to end. A call of a provider that is under way at
/// the stop has ended long before: it takes five seconds at most, a drain eight.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The word to stop, shared by the server and every worker of a process. It is said once.
#[derive(Debug, Clone)]
pub struct Stop(CancellationToken);

impl Stop {
    /// Stops at SIGTERM, at SIGINT (Ctrl-C), and, when `STOP_WITH_STDIN` is `1`, as soon as stdin is
    /// closed: whoever started the process holds the other end, so even a killed parent leaves no
    /// process behind, on any operating system.
    ///
    /// # Errors
    /// The signal handlers cannot be installed.
    pub fn from_environment() -> io::Result<Self> {
        let stop = Self::manual();
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
                let mut signals = signal(kind)?;
                let stop = stop.clone();
                tokio::spawn(async move {
                    if signals.recv().await.is_some() {
                        stop.stop();
                    }
                });
            }
        }
        #[cfg(not(unix))]
        {
            let stop = stop.clone();
            tokio::spawn(async move {
                if tokio::signal::ctrl_c().await.is_ok() {
                    stop.stop();
                }
            });
        }
        if std::env::var("STOP_WITH_STDIN").is_ok_and(|value| value == "1") {
            let stop = stop.clone();
            // A thread of its own: a read of stdin cannot be cancelled, and the runtime would wait for it.
            std::thread::spawn(move || {
                // An error ends the watch as an end of file does: nobody is there to say stop.
                let _ = io::copy(&mut io::stdin(), &mut io::sink());
                stop.stop();
            });
        }
        Ok(stop)
    }

    /// Stops only when told by [`Stop::stop`].
    #[must_use]
    pub fn manual() -> Self {
        Self(CancellationToken::new())
    }

    /// Says stop. Saying it again changes nothing.
    pub fn stop(&self) {
        self.0.cancel();
    }

    /// Whether somebody has said stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until somebody says stop.
    pub async fn wait(&self) {
        self.0.cancelled().await;
    }
}

/// Serves `router` until `stop`, then takes no new connection, lets the requests under way finish for
/// at most [`DRAIN`], and returns. Says in the log how it ended.
///
/// It does not bound how long a client may take to send its first line, nor how many do: that is for the
/// proxy in front, which meets the internet.
///
/// # Errors
/// The listener's address cannot be read.
pub async fn run(listener: TcpListener, router: Router, stop: Stop) -> io::Result<()> {
    let address = listener.local_addr()?;
    let stopped = stop.clone();
    // An HTTP/2 answer is several small writes; held back until the first is acknowledged, each call takes 40 ms more.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a connection holds small writes back");
        }
    });
    // Made once: a `Router` that is served as it is gets copied for each connection, every route and document of it.
    let service = router.into_make_service();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move { stopped.wait().await });
    let bound = async {
        stop.wait().await;
        tracing::info!(%address, "stopping: requests under way may finish");
        tokio::time::sleep(DRAIN).await;
    };
    tracing::info!(%address, "listening");
    tokio::select! {
        result = server => {
            tracing::info!("stopped: every request had its answer");
            result
        }
        () = bound => {
            tracing::warn!(after = ?DRAIN, "stopped with requests still under way");
            Ok(())
        }
    }
}

/// Serves `router` at `host` and `port` until `stop`; then drains, lets the workers end, and does `last`.
///
/// # Errors
/// The port is taken.
pub async fn run_with(
    (host, port): (IpAddr, u16),
    router: Router,
    stop: Stop,
    mut workers: JoinSet<()>,
    last: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind((host, port))
        .await
        .with_context(|| format!("cannot listen on {host}:{port} (PORT)"))?;
    let stopped = tokio::spawn({
        let stop = stop.clone();
        async move {
            stop.wait().await;
            Instant::now()
        }
    });
    let served = run(listener, router, stop.clone()).await;
    // Also when the server failed by itself: the workers give back what they hold.
    stop.stop();
    let stopped_at = stopped.await.unwrap_or_else(|_| Instant::now());
    let ended = async {
        while workers.join_next().await.is_some() {}
        last.await;
    };
    // Nothing of it may keep the process alive for long.
    tokio::select! {
        () = ended => {}
        () = tokio::time::sleep_until(stopped_at + DRAIN + LAST_WORDS) => {}
    }
    Ok(served?)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A handler that knows how often it was copied.
    #[derive(Debug, Default)]
    struct Copied(Arc<AtomicUsize>);

    impl Clone for Copied {
        fn clone(&self) -> Self {
            self.0.fetch_add(1, Ordering::Relaxed);
            Self(Arc::clone(&self.0))
        }
    }

    #[tokio::test]
    async fn a_connection_costs_no_copy_of_the_routes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let copied = Copied::default();
        let copies = Arc::clone(&copied.0);
        let elsewhere = get(move || async move { drop(copied) });
        let router = Router::new().route("/", get(async || "")).route("/elsewhere", elsewhere);
        let stop = Stop::manual();
        let server = tokio::spawn(run(listener, router, stop.clone()));
        let connect = async || {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
            assert!(stream.read(&mut [0; 256]).await.unwrap() > 0);
            stream
        };
        let first = connect().await;
        let before = copies.load(Ordering::Relaxed);
        let others = [connect().await, connect().await, connect().await];
        assert_eq!(copies.load(Ordering::Relaxed), before, "{} connections", others.len());
        drop((first, others));
        stop.stop();
        server.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_never_ends_does_not_keep_the_process_alive() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Stop::manual();
        let router = Router::new().route("/", get(std::future::pending::<()>));
        let server = tokio::spawn(run(listener, router, stop.clone()));
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut client, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let start = Instant::now();
        stop.stop();
        server.await.unwrap().unwrap();
        assert!((DRAIN..DRAIN * 2).contains(&start.elapsed()), "{:?}", start.elapsed());
    }
}
