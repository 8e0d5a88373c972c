//! Publishes what waits in the outbox (pattern: *Message relay*, as a *polling publisher*).
//!
//! It never remembers how far it has come, since messages do not commit in the order of their ids; it removes what it has published.
//! It publishes first and removes then: killed in between, it publishes once more, and the feed and every inbox know the message
//! again by its id.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chassis::{Ctx, Fault, background::Background, event::Recorded, serve::Stop};
use kit_07_events::outbox::Publish;
use store::Store;
use tokio::time::sleep;

use crate::{
    away::Away,
    feed::Feed,
    outbox::{Outbox, PUBLISH, rows::Rows},
    pieces::outbox as piece,
};

/// How often it looks when nobody has told it of anything: a message may come from another process, or have been put off.
const POLL: Duration = Duration::from_millis(500);
/// The pauses after a failure: doubled each time, up to the longest.
const AGAIN: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];

/// The relay of one service. There may be several, in one process or in more.
#[derive(Debug)]
pub struct Relay {
    rows: Rows,
    outbox: Arc<Outbox>,
    feed: Arc<dyn Feed>,
}

impl Relay {
    /// Publishes to `feed` what is recorded into `outbox`, whose rows are in `store`.
    #[must_use]
    pub fn new(store: Store, outbox: Arc<Outbox>, feed: Arc<dyn Feed>) -> Self {
        outbox.attach(store.clone(), feed.clone());
        Self { rows: Rows(store), outbox, feed }
    }

    /// Works until the process stops. What is not published then is published when it is started again.
    ///
    /// # Errors
    /// Never, as long as the name of the gauge is one to Prometheus.
    pub fn work(self, background: &mut Background) -> anyhow::Result<()> {
        background.metrics.gauge(
            "outbox_messages",
            "Messages that were committed and are not published yet.",
            &self.rows,
            |rows| async move { rows.count().await.ok() },
        )?;
        let stop = background.stop.clone();
        background.work(tracing::info_span!("relay"), self.run(stop));
        Ok(())
    }

    /// Publishes some of what waits; how many messages.
    ///
    /// # Errors
    /// The database's or the feed's.
    pub async fn run_once(&self) -> Result<usize, Fault> {
        piece::relay_once(&self.rows, &Within(&*self.feed)).await
    }

    /// Works until `stop`.
    pub async fn run(self, stop: Stop) {
        let [first, longest] = AGAIN;
        let (mut pause, mut away) = (first, Away::default());
        while !stop.is_stopping() {
            match self.run_once().await {
                Ok(0) => tokio::select! {
                    () = self.outbox.wake.notified() => {}
                    () = sleep(POLL) => {}
                    () = stop.wait() => {}
                },
                Ok(_) => {
                    pause = first;
                    away.is_over("messages leave the outbox again");
                }
                Err(fault) => {
                    away.begins(&fault, "messages wait in the outbox");
                    // What is refused is put off by itself, for longer than this rests: the others have their turn in between.
                    if !matches!(fault, Fault::Unavailable(_) | Fault::DeadlineExceeded) {
                        pause = first;
                    }
                    tokio::select! {
                        () = sleep(pause) => {}
                        () = stop.wait() => {}
                    }
                    pause = (pause * 2).min(longest);
                }
            }
        }
    }
}

/// The feed, asked with a deadline.
struct Within<'f>(&'f dyn Feed);

#[async_trait]
impl Publish for Within<'_> {
    async fn publish(&self, messages: &[Recorded]) -> Result<(), Fault> {
        self.0.publish(&Ctx::background(PUBLISH), messages).await
    }
}
