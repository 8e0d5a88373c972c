//! Waiting for a database inside the process.

use std::time::Duration;

use anyhow::Context;
use axum::{Router, http::header};
use tokio::{
    net::TcpListener,
    time::{Instant, sleep, timeout},
};

use super::{Lack, Service};
use crate::{
    fault::Fault,
    health::Health,
    serve::{self, Stop},
};

/// The first pause between two looks; each is twice as long as the one before.
const FIRST: Duration = Duration::from_millis(100);
/// The longest.
const LONGEST: Duration = Duration::from_secs(5);

/// How the wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// All is there.
    There,
    /// Somebody said stop.
    Stopped,
}

/// Waits until the database answers, for `limit` at most: after that whoever needs it says what is wrong with it. Whether it is up to
/// date is for a migration to see to.
pub(super) async fn for_the_database(service: &impl Service, limit: Duration) -> anyhow::Result<()> {
    if limit.is_zero() {
        return Ok(());
    }
    let lacks = async || Ok(service.lacks().await?.filter(|lack| matches!(lack, Lack::Database(_))));
    if let Some(lack) = lacks().await? {
        tell(&lack);
        timeout(limit, wait(lacks)).await.unwrap_or(Ok(()))?;
    }
    Ok(())
}

/// Waits until nothing is lacking, alive and not ready meanwhile, or until `stop`.
pub(super) async fn until_it_can_serve(service: &impl Service, stop: &Stop) -> anyhow::Result<Ended> {
    let Some(lack) = service.lacks().await? else { return Ok(Ended::There) };
    tell(&lack);
    let (host, port) = service.address();
    let listener = TcpListener::bind((host, port));
    let listener = listener.await.with_context(|| format!("cannot listen on {host}:{port} (PORT)"))?;
    // Of its own: a stop of the process ends the wait first, and with it this server.
    let served = Stop::manual();
    let server = tokio::spawn(serve::run(listener, router(&served), served.clone()));
    let ended = tokio::select! {
        waited = wait(async || service.lacks().await) => waited.map(|()| Ended::There),
        () = stop.wait() => Ok(Ended::Stopped),
    };
    served.stop();
    server.await??;
    ended
}

fn tell(lack: &Lack) {
    tracing::warn!(%lack, "waiting: not ready meanwhile");
}

async fn wait(lacks: impl AsyncFn() -> anyhow::Result<Option<Lack>>) -> anyhow::Result<()> {
    let since = Instant::now();
    let mut pause = FIRST;
    loop {
        sleep(pause).await;
        pause = LONGEST.min(pause * 2);
        if lacks().await?.is_none() {
            tracing::info!(after = ?since.elapsed(), "what was waited for is there");
            return Ok(());
        }
    }
}

/// Health, and a refusal of everything else that says when to come again.
fn router(stop: &Stop) -> Router {
    Health::new(stop.clone())
        .asking(|| async { false })
        .router()
        .fallback(|| async { ([(header::RETRY_AFTER, "1")], Fault::Unavailable("the database".to_owned())) })
}

#[cfg(test)]
mod tests {
    use std::{
        net::{IpAddr, Ipv4Addr},
        sync::atomic::{AtomicU32, Ordering},
    };

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::*;
    use crate::process::Command;

    /// Lacks its database for as many looks, then its tables for as many.
    struct Late {
        port: u16,
        looks: AtomicU32,
        each: u32,
    }

    impl Late {
        async fn new(each: u32) -> Self {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            Self { port: listener.local_addr().unwrap().port(), looks: AtomicU32::new(0), each }
        }

        async fn status(&self, path: &str) -> String {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer.split_whitespace().nth(1).unwrap_or_default().to_owned()
        }
    }

    impl Service for Late {
        fn command(&self) -> Option<Command> {
            None
        }

        fn address(&self) -> (IpAddr, u16) {
            (Ipv4Addr::LOCALHOST.into(), self.port)
        }

        async fn lacks(&self) -> anyhow::Result<Option<Lack>> {
            let look = self.looks.fetch_add(1, Ordering::Relaxed);
            Ok(match look / self.each {
                0 => Some(Lack::Database("refused".to_owned())),
                1 => Some(Lack::Migration("nobody has".to_owned())),
                _ => None,
            })
        }

        async fn migrate(&self) -> anyhow::Result<()> {
            Ok(())
        }

        async fn serve(&self, _: Stop) -> anyhow::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn whoever_waits_is_alive_and_not_ready_and_leaves_the_port_free() {
        let late = Late::new(2).await;
        let stop = Stop::manual();
        let asked = async {
            sleep(FIRST / 2).await;
            let live = late.status("/health/live").await;
            (live, late.status("/health/ready").await, late.status("/api/tasks").await)
        };
        let (ended, asked) = tokio::join!(until_it_can_serve(&late, &stop), asked);
        assert_eq!(ended.unwrap(), Ended::There);
        assert_eq!(asked, ("200".to_owned(), "503".to_owned(), "503".to_owned()));
        assert_eq!(late.looks.load(Ordering::Relaxed), 5, "it was asked until it was there");
        TcpListener::bind(late.address()).await.unwrap();
    }

    #[tokio::test]
    async fn a_migration_waits_for_the_database_and_not_for_itself() {
        let late = Late::new(2).await;
        for_the_database(&late, Duration::MAX).await.unwrap();
        assert_eq!(late.looks.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn a_migration_waits_only_as_long_as_it_was_told() {
        let late = Late::new(u32::MAX).await;
        for_the_database(&late, Duration::ZERO).await.unwrap();
        assert_eq!(late.looks.load(Ordering::Relaxed), 0, "nobody told it to wait");
        for_the_database(&late, FIRST * 2).await.unwrap();
        assert!(late.looks.load(Ordering::Relaxed) > 1);
    }

    #[tokio::test]
    async fn a_stop_ends_the_wait() {
        let late = Late::new(u32::MAX).await;
        let stop = Stop::manual();
        let stopped = async {
            sleep(FIRST).await;
            stop.stop();
        };
        let (ended, ()) = tokio::join!(until_it_can_serve(&late, &stop), stopped);
        assert_eq!(ended.unwrap(), Ended::Stopped);
    }
}
