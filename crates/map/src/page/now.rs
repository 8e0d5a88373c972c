//! What is known of the running system at this moment, and whoever looks at it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

/// All that the page shows of the running system, kept as the text that its readers are sent.
pub(super) struct Now {
    facts: Mutex<Facts>,
    text: watch::Sender<Arc<str>>,
    viewers: AtomicUsize,
}

/// What is known.
#[derive(Debug, Default, Serialize)]
pub(super) struct Facts {
    /// By name; as the runner tells.
    pub(super) processes: BTreeMap<String, Value>,
    /// As the proxies count.
    pub(super) edges: Vec<Value>,
    /// By name; as we have found out.
    pub(super) measured: BTreeMap<String, Measured>,
    /// What the visitors that we send are answered.
    pub(super) visits: Vec<Visit>,
    /// Whether we send any.
    pub(super) visitors: bool,
}

/// What we have found out about a process.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Measured {
    /// Its resident memory in bytes; `None` where the operating system does not say.
    pub(super) memory: Option<u64>,
    /// How long it took to answer us, in milliseconds; `None` when it did not.
    pub(super) answers_in: Option<u64>,
    /// What waits in it: gauges of its `/metrics`.
    pub(super) queues: BTreeMap<String, f64>,
}

/// A visit of a page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Visit {
    /// What was visited, in a word.
    pub(super) what: &'static str,
    pub(super) path: &'static str,
    /// `None` when there was no answer.
    pub(super) status: Option<u16>,
    /// Whether it is the answer that a visitor gets who finds everything well.
    pub(super) is_well: bool,
    /// In milliseconds.
    pub(super) took: u64,
}

impl Now {
    pub(super) fn new() -> Self {
        let (text, _) = watch::channel(Arc::from("{}"));
        Self { facts: Mutex::default(), text, viewers: AtomicUsize::new(0) }
    }

    /// Changes what is known; whoever looks is told.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Facts) -> T) -> T {
        let mut facts = self.facts();
        let result = change(&mut facts);
        let text = serde_json::to_string(&*facts).unwrap_or_default();
        self.text.send_if_modified(|told| {
            let is_new = **told != *text;
            if is_new {
                *told = text.into();
            }
            is_new
        });
        result
    }

    /// What is known.
    pub(super) fn facts(&self) -> MutexGuard<'_, Facts> {
        // Nothing panics while it is held.
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody looks: nothing is measured for nobody.
    pub(super) fn is_watched(&self) -> bool {
        self.viewers.load(Ordering::Relaxed) > 0
    }
}

/// Somebody who looks.
pub(super) struct Viewer {
    now: Arc<Now>,
    text: watch::Receiver<Arc<str>>,
}

impl Viewer {
    pub(super) fn new(now: &Arc<Now>) -> Self {
        now.viewers.fetch_add(1, Ordering::Relaxed);
        let mut text = now.text.subscribe();
        text.mark_changed();
        Self { now: Arc::clone(now), text }
    }

    /// The next text that is different.
    pub(super) async fn next(&mut self) -> Option<Arc<str>> {
        self.text.changed().await.ok()?;
        Some(Arc::clone(&self.text.borrow_and_update()))
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.now.viewers.fetch_sub(1, Ordering::Relaxed);
    }
}
