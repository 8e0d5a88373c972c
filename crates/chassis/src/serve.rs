//! Serving until somebody says stop, and leaving without losing a request: serving on while whoever sends requests
//! learns of the stop, then draining within a bound.

mod connection;
mod stop;

use std::{io, net::IpAddr, time::Duration};

use anyhow::Context;
use axum::{Router, middleware};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout, timeout_at},
};
use tokio_util::task::TaskTracker;

pub use stop::Stop;

use crate::host;

/// How long requests that are under way may go on when nobody is served on any more; then the process ends without them.
pub const DRAIN: Duration = Duration::from_secs(8);

/// How much longer than requests the workers and the database may take to end. A call of a provider that is under way at
/// the stop has ended long before: it takes five seconds at most, a drain eight.
pub(crate) const LAST_WORDS: Duration = Duration::from_secs(1);

/// How long nobody may come out of the listener's queue until it counts as empty.
const QUEUED: Duration = Duration::from_millis(5);

/// How long to wait when no connection can be taken: for the system to have descriptors again.
const RECOVER: Duration = Duration::from_millis(50);

/// Serves `router` until `stop`, and serves on for as long as [`Stop::serving_on`] says; every answer says from then
/// on that its connection ends with it. Then it takes no new connection, lets the requests under way finish for at
/// most [`DRAIN`], and returns. Says in the log how it ended.
///
/// It does not bound how long a client may take to send its first line, nor how many do: that is for the proxy in
/// front, which meets the internet.
///
/// # Errors
/// The listener's address cannot be read.
pub async fn run(listener: TcpListener, router: Router, stop: Stop) -> io::Result<()> {
    let address = listener.local_addr()?;
    // Once: a `Router` whose state is still to be given gets copied for each connection, every route and document of it.
    let router: Router = router.layer(middleware::from_fn(host::check)).with_state(());
    let connections = TaskTracker::new();
    let take = |stream: TcpStream| connections.spawn(connection::serve(stream, router.clone(), stop.clone()));
    let told = {
        let stop = stop.clone();
        tokio::spawn(async move {
            stop.wait().await;
            tracing::info!(%address, "stopping: requests under way may finish");
        })
    };
    tracing::info!(%address, "listening");
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.leave() => break,
        };
        match accepted {
            Ok((stream, _)) => drop(take(stream)),
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be taken");
                sleep(RECOVER).await;
            }
        }
    }
    // Who connected before this moment waits in the listener's queue, and closing it would cut them off.
    let until = Instant::now() + DRAIN;
    while Instant::now() < until
        && let Ok(Ok((stream, _))) = timeout(QUEUED, listener.accept()).await
    {
        drop(take(stream));
    }
    drop(listener);
    // Ended already: the stop came before its end.
    let _ = told.await;
    connections.close();
    match timeout_at(until, connections.wait()).await {
        Ok(()) => tracing::info!("stopped: every request had its answer"),
        Err(_) => tracing::warn!(after = ?DRAIN, "stopped with requests still under way"),
    }
    Ok(())
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
    let served = run(listener, router, stop.clone()).await;
    // Also when the server failed by itself: the workers give back what they hold.
    stop.stop();
    let ended = async {
        while workers.join_next().await.is_some() {}
        last.await;
    };
    // Nothing of it may keep the process alive for long.
    tokio::select! {
        () = ended => {}
        () = sleep_until(stop.leaves_at() + DRAIN + LAST_WORDS) => {}
    }
    Ok(served?)
}

#[cfg(test)]
mod tests {
    use std::{
        net::SocketAddr,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        task::JoinHandle,
    };

    use super::*;

    const ASK: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

    /// A server of `router`, and where it is.
    async fn start(router: Router, stop: &Stop) -> (SocketAddr, JoinHandle<io::Result<()>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (address, tokio::spawn(run(listener, router, stop.clone())))
    }

    /// Asks over a connection; the answer, empty when there is none.
    async fn ask(stream: &mut TcpStream) -> String {
        stream.write_all(ASK).await.unwrap();
        let mut answer = vec![0; 1024];
        let length = stream.read(&mut answer).await.unwrap_or(0);
        String::from_utf8_lossy(&answer[..length]).to_lowercase()
    }

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
        let copied = Copied::default();
        let copies = Arc::clone(&copied.0);
        let elsewhere = get(move || async move { drop(copied) });
        let router = Router::new().route("/", get(async || "")).route("/elsewhere", elsewhere);
        let stop = Stop::manual();
        let (address, server) = start(router, &stop).await;
        let connect = async || {
            let mut stream = TcpStream::connect(address).await.unwrap();
            assert!(ask(&mut stream).await.contains(" 200 "));
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
        let stop = Stop::manual();
        let (address, server) = start(Router::new().route("/", get(std::future::pending::<()>)), &stop).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(ASK).await.unwrap();
        sleep(Duration::from_millis(100)).await;
        let since = Instant::now();
        stop.stop();
        server.await.unwrap().unwrap();
        assert!((DRAIN..DRAIN * 2).contains(&since.elapsed()), "{:?}", since.elapsed());
    }

    #[tokio::test]
    async fn after_the_stop_it_serves_on_and_each_answer_says_that_its_connection_ends() {
        const ON: Duration = Duration::from_millis(700);
        let stop = Stop::manual().serving_on(ON);
        let (address, server) = start(Router::new().route("/", get(async || "here")), &stop).await;
        let mut kept = TcpStream::connect(address).await.unwrap();
        let mut idle = TcpStream::connect(address).await.unwrap();
        for stream in [&mut kept, &mut idle] {
            let answer = ask(stream).await;
            assert!(answer.ends_with("here") && !answer.contains("connection:"), "{answer}");
        }
        let since = Instant::now();
        stop.stop();
        sleep(ON / 4).await;
        let mut new = TcpStream::connect(address).await.unwrap();
        for stream in [&mut kept, &mut new] {
            let answer = ask(stream).await;
            assert!(answer.ends_with("here") && answer.contains("connection: close"), "{answer}");
            assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "it is closed");
        }
        // What nobody asks over is kept until nobody is served on.
        assert_eq!(idle.read(&mut [0]).await.unwrap(), 0);
        assert!(since.elapsed() >= ON, "{:?}", since.elapsed());
        server.await.unwrap().unwrap();
        assert!(since.elapsed() < ON + DRAIN / 2, "nobody is waited for: {:?}", since.elapsed());
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn told_to_serve_on_for_no_time_it_leaves_at_once() {
        let stop = Stop::manual();
        let (address, server) = start(Router::new().route("/", get(async || "here")), &stop).await;
        let mut kept = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut kept).await.ends_with("here"));
        let since = Instant::now();
        stop.stop();
        server.await.unwrap().unwrap();
        assert!(since.elapsed() < DRAIN / 4, "{:?}", since.elapsed());
        assert_eq!(ask(&mut kept).await, "");
    }

    /// What was on its way when the listener closed is answered: a closed queue resets those who wait in it.
    #[tokio::test]
    async fn whoever_connected_before_the_end_is_answered() {
        let stop = Stop::manual();
        let (address, server) = start(Router::new().route("/", get(async || "here")), &stop).await;
        // On this test's one thread nobody takes them before the stop is said.
        let waiting: Vec<_> = (0..8)
            .map(|_| {
                let mut stream = std::net::TcpStream::connect(address).unwrap();
                io::Write::write_all(&mut stream, ASK).unwrap();
                stream
            })
            .collect();
        stop.stop();
        server.await.unwrap().unwrap();
        for mut stream in waiting {
            let mut answer = String::new();
            io::Read::read_to_string(&mut stream, &mut answer).unwrap();
            assert!(answer.ends_with("here"), "{answer:?}");
        }
    }

    /// HTTP/2 (RFC 9113) by hand: a client that hides its frames would hide what this is about.
    #[tokio::test]
    async fn over_http2_it_says_goaway_at_the_stop_and_answers_what_came_before() {
        const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        // HEADERS of stream 1, its end: GET http / of x, in the static table's numbers.
        const GET: &[u8] = b"\0\0\x06\x01\x05\0\0\0\x01\x82\x84\x86\x41\x01x";
        let stop = Stop::manual().serving_on(Duration::from_secs(30));
        let router = Router::new().route("/", get(async || sleep(Duration::from_millis(300)).await));
        let (address, server) = start(router, &stop).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(PREFACE).await.unwrap();
        client.write_all(GET).await.unwrap();
        sleep(Duration::from_millis(100)).await;
        stop.stop();
        let mut seen = Vec::new();
        let read = async {
            loop {
                let mut head = [0; 9];
                if client.read_exact(&mut head).await.is_err() {
                    return;
                }
                let mut body = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
                client.read_exact(&mut body).await.unwrap();
                seen.push(head[3]);
                // A PING is to be answered: it says that everything sent before has been read.
                if head[3] == 6 && head[4] == 0 {
                    head[4] = 1;
                    client.write_all(&[&head[..], &body].concat()).await.unwrap();
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(5), read).await.expect("the connection ends");
        let goaway = seen.iter().position(|&kind| kind == 7).expect("GOAWAY");
        let answer = seen.iter().position(|&kind| kind == 1).expect("HEADERS");
        assert!(goaway < answer, "{seen:?}");
        assert!(!server.is_finished(), "others may still come");
        server.abort();
    }
}
