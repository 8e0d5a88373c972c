//! Events in process: after its transaction has committed, an event goes to every module that listens.
//!
//! Each listener has a queue of its own: it hears events in the order in which their writers came back from the commit, and a
//! slow or failing one holds nobody else up. Two who commit at the same moment may come back in either order.
//!
//! **The queues are memory.** A process that dies after a commit and before a listener has done its part has told nobody, and
//! nobody will ask: the item is there, its task is not. Step 07 mends that with an outbox.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use step_02_contracts::{Ctx, Fault, Handler, Recorded};
use store::Recorder;
use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    watch,
};

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
#[derive(Debug)]
pub struct Bus {
    listeners: OnceLock<Vec<UnboundedSender<Batch>>>,
    /// How many batches wait or are being handled, over all listeners.
    under_way: watch::Sender<usize>,
}

impl Default for Bus {
    fn default() -> Self {
        Self { listeners: OnceLock::new(), under_way: watch::Sender::new(0) }
    }
}

#[async_trait]
impl Recorder for Bus {
    fn committed(&self, events: Vec<Recorded>) {
        let batch: Batch = events.into();
        for listener in self.listeners.get().into_iter().flatten() {
            self.under_way.send_modify(|count| *count += 1);
            if listener.send(batch.clone()).is_err() {
                self.under_way.send_modify(|count| *count -= 1);
            }
        }
    }
}

impl Bus {
    /// Has `handlers` hear every event from now on. Called once.
    pub fn listen(self: &Arc<Self>, handlers: Vec<Arc<dyn Handler>>) {
        let listeners = handlers.into_iter().map(|handler| {
            let (sender, receiver) = unbounded_channel();
            let bus = self.clone();
            tokio::spawn(async move { bus.deliver(&*handler, receiver).await });
            sender
        });
        // A second list would hear nothing; the first one stays.
        let _ = self.listeners.set(listeners.collect());
    }

    /// Waits until nothing is under way.
    pub async fn settled(&self) {
        // The sender is ours, so it cannot be gone.
        let _ = self.under_way.subscribe().wait_for(|count| *count == 0).await;
    }

    async fn deliver(&self, handler: &dyn Handler, mut batches: UnboundedReceiver<Batch>) {
        while let Some(batch) = batches.recv().await {
            if !handle(handler, &batch).await {
                tracing::error!(
                    listener = handler.name(),
                    events = batch.len(),
                    "events are lost for a listener that failed too often"
                );
            }
            self.under_way.send_modify(|count| *count -= 1);
        }
    }
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
