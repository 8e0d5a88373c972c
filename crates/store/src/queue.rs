//! Works off rows that wait for something to be done (pattern: *Competing consumers*): several at a time, each under a
//! [`Lease`], in as many processes as there are.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chassis::serve::Stop;
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, sleep_until},
};
use tracing::Instrument;
use uuid::Uuid;

use crate::{Store, lease::Lease};

/// How often a queue is looked at that nobody told of anything: a row may wait for its time, or come from another process.
const POLL: Duration = Duration::from_millis(500);

/// The rows of `table` for which the SQL `condition` holds, oldest first. Which columns a lease needs, [`crate::lease`] says.
#[derive(Debug, Clone)]
pub struct Queue {
    store: Store,
    table: &'static str,
    condition: &'static str,
    lease: Duration,
    at_once: usize,
    wake: Arc<Notify>,
}

impl Queue {
    /// A queue of which this process works off `at_once` rows at a time, each within `lease`.
    #[must_use]
    pub fn new(
        store: Store,
        table: &'static str,
        condition: &'static str,
        lease: Duration,
        at_once: usize,
    ) -> Self {
        Self { store, table, condition, lease, at_once, wake: Arc::default() }
    }

    /// Tells the queue that there is something to do. A row that nobody tells of waits half a second longer.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Hands each row to `work` until `stop`, and ends when what is under way then has ended. `work` must be done before
    /// the lease is; it removes the row from the condition, or puts it off. What it returns is for how long the queue
    /// shall rest: for whoever is told by a provider to come back later.
    pub async fn run<W>(&self, stop: Stop, work: impl Fn(Lease) -> W)
    where
        W: Future<Output = Duration> + Send + 'static,
    {
        let mut under_way = JoinSet::new();
        let mut rows = HashMap::new();
        let mut rests_until = Instant::now();
        while !stop.is_stopping() {
            let mut look_again = rests_until;
            if under_way.len() < self.at_once && rests_until <= Instant::now() {
                // An owner for each claim: who is late does not pass for whoever has the row by then, in this process either.
                let owner = Uuid::now_v7().to_string();
                let taken: Vec<String> = rows.values().cloned().collect();
                let (table, condition, duration) = (self.table, self.condition, self.lease);
                let claim = Lease::claim_another(&self.store, table, condition, &owner, duration, &taken);
                match claim.await {
                    Ok(Some(lease)) => {
                        let row = lease.id().to_owned();
                        rows.insert(under_way.spawn(work(lease).in_current_span()).id(), row);
                        continue;
                    }
                    Ok(None) => {}
                    Err(error) => tracing::warn!(table = self.table, %error, "cannot look for work"),
                }
                look_again = Instant::now() + POLL;
            }
            tokio::select! {
                Some(done) = under_way.join_next_with_id() => {
                    // A panic is in the log already; its row is taken up again when the lease ends.
                    let (task, rest) = done.unwrap_or_else(|panic| (panic.id(), Duration::ZERO));
                    rows.remove(&task);
                    rests_until = rests_until.max(Instant::now() + rest);
                }
                () = self.wake.notified(), if under_way.len() < self.at_once && rests_until <= Instant::now() => {}
                () = sleep_until(look_again), if under_way.len() < self.at_once => {}
                () = stop.wait() => {}
            }
        }
        while under_way.join_next().await.is_some() {}
    }
}
