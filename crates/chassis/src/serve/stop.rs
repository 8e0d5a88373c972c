//! The word to stop, and how long there is from then on.

use std::{
    io,
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};

use tokio::{
    runtime,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{DRAIN, LAST_WORDS};
use crate::process::Misconfigured;

/// How many seconds a process serves on after the word to stop, as it finds it in its environment.
const SERVE_ON: &str = "SERVE_ON_SECONDS";

/// The most that is taken: whoever ends processes does not wait for ever either.
const LONGEST: u64 = 60;

/// How much later than the drain a process is ended that does not end by itself.
const SPARE: Duration = Duration::from_millis(500);

/// The word to stop, shared by the server and every worker of a process. It is said once.
#[derive(Debug, Clone)]
pub struct Stop {
    said: CancellationToken,
    at: Arc<OnceLock<Instant>>,
    serve_on: Duration,
}

impl Stop {
    /// Stops at SIGTERM, at SIGINT (Ctrl-C), and, when `STOP_WITH_STDIN` is `1`, as soon as stdin is closed: whoever
    /// started the process holds the other end, so even a killed parent leaves no process behind, on any operating
    /// system. `SERVE_ON_SECONDS` says how long to serve on from then on; not at all, unless it is set.
    ///
    /// A thread of its own watches what follows and ends the process when the drain's time is over: an endless loop
    /// keeps every other thread from noticing.
    ///
    /// # Errors
    /// The signal handlers cannot be installed; [`Misconfigured`] when `SERVE_ON_SECONDS` is no number of seconds up
    /// to 60.
    pub fn from_environment() -> anyhow::Result<Self> {
        let stop = Self::manual().serving_on(serve_on(std::env::var(SERVE_ON).ok().as_deref())?);
        // Its own runtime too: signals reach tokio by a driver that busy threads do not turn.
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let signals = {
            let _inside = runtime.enter();
            Signals::install()?
        };
        let watched = stop.clone();
        thread::Builder::new()
            .name("stop".to_owned())
            .spawn(move || runtime.block_on(watch(watched, signals)))?;
        if std::env::var("STOP_WITH_STDIN").is_ok_and(|value| value == "1") {
            let stop = stop.clone();
            // A thread of its own: a read of stdin cannot be cancelled, and the runtime would wait for it.
            thread::spawn(move || {
                // An error ends the watch as an end of file does: nobody is there to say stop.
                let _ = io::copy(&mut io::stdin(), &mut io::sink());
                stop.stop();
            });
        }
        Ok(stop)
    }

    /// Stops only when told by [`Stop::stop`], and serves on for no time.
    #[must_use]
    pub fn manual() -> Self {
        Self { said: CancellationToken::new(), at: Arc::default(), serve_on: Duration::ZERO }
    }

    /// The same, serving on for `time` after the word: so long it may take until everybody who sends requests knows of
    /// the stop, because health is asked again or an answer has said so. (Google's SRE book calls it *lame duck*.)
    #[must_use]
    pub fn serving_on(mut self, time: Duration) -> Self {
        self.serve_on = time;
        self
    }

    /// Says stop. Saying it again changes nothing.
    pub fn stop(&self) {
        self.at.get_or_init(Instant::now);
        self.said.cancel();
    }

    /// Whether somebody has said stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.said.is_cancelled()
    }

    /// Waits until somebody says stop: workers end, health says *not ready*, and each answer that its connection ends
    /// with it.
    pub async fn wait(&self) {
        self.said.cancelled().await;
    }

    /// Waits until nobody is served on any more: connections without a request are closed, and no new ones are taken.
    pub async fn leave(&self) {
        self.wait().await;
        sleep_until(self.leaves_at()).await;
    }

    /// When that is, or was; counted from now on as long as nobody has said stop.
    pub(super) fn leaves_at(&self) -> Instant {
        self.at.get().copied().unwrap_or_else(Instant::now) + self.serve_on
    }
}

fn serve_on(text: Option<&str>) -> Result<Duration, Misconfigured> {
    let Some(text) = text else { return Ok(Duration::ZERO) };
    match text.parse() {
        Ok(seconds @ 0..=LONGEST) => Ok(Duration::from_secs(seconds)),
        _ => Err(Misconfigured(format!("{SERVE_ON} must be a number of seconds from 0 to {LONGEST}"))),
    }
}

/// Says stop at a signal, and ends the process when it has not ended by itself in time.
async fn watch(stop: Stop, signals: Signals) {
    tokio::select! {
        () = signals.received() => stop.stop(),
        () = stop.wait() => {}
    }
    let after = stop.serve_on + DRAIN + LAST_WORDS + SPARE;
    sleep(after).await;
    eprintln!(
        "error: stopped {after:?} ago and still busy: an endless loop, or work that waits for ever. Ended without it"
    );
    std::process::exit(1);
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 2]);

#[cfg(unix)]
impl Signals {
    fn install() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self([signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?]))
    }

    async fn received(mut self) {
        let [terminate, interrupt] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn install() -> io::Result<Self> {
        Ok(Self)
    }

    async fn received(self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
