//! Events in process: after its transaction has committed, an event goes to every module that listens.
//!
//! Each listener has a queue of its own: it hears events in the order in which their writers came back from the commit, and a
//! slow or failing one holds nobody else up. Two who commit at the same moment may come back in either order.
//!
//! **The queues are memory.** A process that dies after a commit and before a listener has done its part has told nobody, and
//! nobody will ask: the item is there, its task is not, until an import tells of it again. Step 07 mends that with an outbox. A process
//! that is asked to stop hands over what it can, and says what it could not ([`Bus::give_up`]).

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use step_02_contracts::{Ctx, Fault, Handler, Recorded};
use store::Recorder;
use tokio::sync::{Notify, watch};

/// How often a listener may fail at the same events. One that is away has not failed: it is told when it is back.
const TRIES: u32 = 5;
/// The pause after the first failure; doubled after each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long a listener may take for the events of one commit.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What was committed together.
type Batch = Arc<[Recorded]>;

/// Carries events from whoever records them to whoever listens.
#[derive(Debug, Default)]
pub struct Bus {
    listeners: OnceLock<Vec<Arc<Listener>>>,
    /// How many batches wait or are being handed over, over all listeners.
    under_way: Arc<watch::Sender<usize>>,
}

/// Somebody who listens, and what is still to be handed over.
#[derive(Debug)]
struct Listener {
    name: &'static str,
    /// The first is being handed over.
    waiting: Mutex<VecDeque<Batch>>,
    /// There is one more.
    more: Notify,
    /// The bus's.
    under_way: Arc<watch::Sender<usize>>,
}

#[async_trait]
impl Recorder for Bus {
    fn committed(&self, events: Vec<Recorded>) {
        let batch: Batch = events.into();
        for listener in self.listeners.get().into_iter().flatten() {
            listener.take(batch.clone());
        }
    }
}

impl Bus {
    /// Has `handlers` hear every event from now on. Called once.
    pub fn listen(&self, handlers: Vec<Arc<dyn Handler>>) {
        let listeners = handlers.into_iter().map(|handler| {
            let listener = Arc::new(Listener {
                name: handler.name(),
                waiting: Mutex::default(),
                more: Notify::new(),
                under_way: self.under_way.clone(),
            });
            let this = listener.clone();
            tokio::spawn(async move { this.deliver(&*handler).await });
            listener
        });
        // A second list would hear nothing; the first one stays.
        let _ = self.listeners.set(listeners.collect());
    }

    /// Waits until nothing is under way.
    pub async fn settled(&self) {
        // The sender is ours, so it cannot be gone.
        let _ = self.under_way.subscribe().wait_for(|count| *count == 0).await;
    }

    /// Says which events nobody will hear of, because the process ends; nothing where all were handed over.
    pub fn give_up(&self) {
        for listener in self.listeners.get().into_iter().flatten() {
            let waiting = listener.waiting();
            if !waiting.is_empty() {
                lost(listener.name, waiting.iter().flat_map(|batch| batch.iter()), "the process ends");
            }
        }
    }
}

impl Listener {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Batch>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, batch: Batch) {
        self.under_way.send_modify(|count| *count += 1);
        self.waiting().push_back(batch);
        self.more.notify_one();
    }

    /// Hands over batch after batch, for ever.
    async fn deliver(&self, handler: &dyn Handler) {
        loop {
            let first = self.waiting().front().cloned();
            let Some(batch) = first else {
                self.more.notified().await;
                continue;
            };
            if !handle(handler, &batch).await {
                lost(self.name, batch.iter(), "it failed too often");
            }
            self.waiting().pop_front();
            self.under_way.send_modify(|count| *count -= 1);
        }
    }
}

/// How many lost events are named: a line of the log has an end.
const NAMED: usize = 50;

/// Says which events a listener will never hear of: how many of which kind about what. An import tells of items again; nobody
/// tells of anything else.
fn lost<'e>(listener: &str, events: impl Iterator<Item = &'e Recorded>, why: &str) {
    let mut lost: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for event in events {
        *lost.entry((&event.kind, &event.subject)).or_default() += 1;
    }
    let mut which: Vec<String> = lost
        .iter()
        .take(NAMED)
        .map(|((kind, subject), count)| format!("{count} {kind} of {subject}"))
        .collect();
    if lost.len() > NAMED {
        which.push(format!("and {} more", lost.len() - NAMED));
    }
    tracing::error!(
        listener,
        events = lost.values().sum::<usize>(),
        which = which.join(", "),
        "events are lost: {why}"
    );
}

/// Hands a batch over, several times if need be; whether that worked. Whoever made the change has long gone on.
async fn handle(handler: &dyn Handler, batch: &[Recorded]) -> bool {
    let mut pause = FIRST_PAUSE;
    let mut failures = 0;
    while failures < TRIES {
        let ctx = Ctx::background(TIMEOUT);
        let handled = tokio::time::timeout(TIMEOUT, handler.handle(&ctx, batch)).await;
        let Err(fault) = handled.unwrap_or(Err(Fault::DeadlineExceeded)) else { return true };
        tracing::warn!(
            listener = handler.name(),
            error = &fault as &dyn std::error::Error,
            "a listener stumbled over events"
        );
        if !matches!(fault, Fault::Unavailable(_) | Fault::DeadlineExceeded) {
            failures += 1;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    false
}
