//! A database with an outbox, and a feed, in memory. Each thing that a process does to them is a step, at which it may be killed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use acceptance::serde_json::json;
use async_trait::async_trait;
use chassis::{Fault, event::Recorded};
use kit_07_events::outbox::{Around, Lease, Outbox, Publish, Transaction};
use uuid::Uuid;

use crate::life::Life;

/// How many messages are read at once.
const AT_ONCE: usize = 100;

/// How the feed fails: what it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Nothing,
    TheFirst,
    AllAndFails,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "it took none of the messages",
            Self::TheFirst => "it took the first message only",
            Self::AllAndFails => "it took all messages, and its answer was lost",
        })
    }
}

#[derive(Debug, Default)]
struct State {
    /// What has committed and is not marked, in the order of the commits.
    rows: Vec<Recorded>,
    committed: usize,
    leases: BTreeMap<String, (Uuid, u64)>,
    /// A subject that was put off comes after those that were not.
    put_off: BTreeSet<String>,
    now: u64,
    feed: Vec<Recorded>,
    failures: Option<(usize, Answer)>,
    fails_to_insert: bool,
    last_step: &'static str,
}

/// What outlives every process.
#[derive(Debug, Clone, Default)]
pub(crate) struct World(Arc<Mutex<State>>);

/// A message about a task. Each has a higher id than those before.
pub(crate) fn message(task: &str, text: &str) -> Recorded {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    Recorded {
        id: Uuid::from_u128(0x0192_d1c5_0000_7000_8000_0000_0000_0000 + u128::from(number)),
        kind: "backlog.task_assigned".to_owned(),
        version: 1,
        origin: "api".to_owned(),
        subject: task.to_owned(),
        time: jiff::Timestamp::UNIX_EPOCH,
        data: json!({ "text": text }),
    }
}

pub(crate) fn text(message: &Recorded) -> String {
    message.data["text"].as_str().unwrap_or_default().to_owned()
}

pub(crate) fn texts(messages: &[Recorded]) -> Vec<String> {
    messages.iter().map(text).collect()
}

impl World {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn process(&self, life: Life) -> Process {
        Process { world: self.clone(), life, later: Mutex::default() }
    }

    /// Time goes by: leases end.
    pub(crate) fn later(&self) {
        self.state().now += 10;
    }

    pub(crate) fn rows(&self) -> usize {
        self.state().rows.len()
    }

    pub(crate) fn committed(&self) -> usize {
        self.state().committed
    }

    pub(crate) fn feed(&self) -> Vec<Recorded> {
        self.state().feed.clone()
    }

    pub(crate) fn last_step(&self) -> &'static str {
        let last = self.state().last_step;
        if last.is_empty() { "it had begun" } else { last }
    }

    /// The next calls of the feed fail.
    pub(crate) fn fail_next(&self, times: usize, answer: Answer) {
        self.state().failures = Some((times, answer));
    }

    /// The next insert fails.
    pub(crate) fn fail_next_insert(&self) {
        self.state().fails_to_insert = true;
    }

    fn publish(&self, messages: &[Recorded]) -> Result<(), Fault> {
        let mut state = self.state();
        let (taken, fails) = match state.failures {
            Some((left, answer)) if left > 0 => {
                state.failures = Some((left - 1, answer));
                let taken = match answer {
                    Answer::Nothing => 0,
                    Answer::TheFirst => 1.min(messages.len()),
                    Answer::AllAndFails => messages.len(),
                };
                (taken, true)
            }
            _ => (messages.len(), false),
        };
        state.feed.extend_from_slice(&messages[..taken]);
        state.last_step = "the feed had the messages";
        if fails { Err(Fault::Unavailable("the feed".to_owned())) } else { Ok(()) }
    }
}

/// A process with handlers and a relay.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) world: World,
    pub(crate) life: Life,
    /// What it has in hand, and nobody else has.
    later: Mutex<Vec<Vec<Recorded>>>,
}

/// A transaction of it.
pub(crate) struct Tx<'p> {
    process: &'p Process,
    rows: Vec<Recorded>,
}

impl Process {
    pub(crate) async fn begin(&self) -> Tx<'_> {
        self.life.step().await;
        Tx { process: self, rows: Vec::new() }
    }

    /// Does what it was to do in a task of its own.
    pub(crate) async fn do_later(&self) {
        let later: Vec<_> = std::mem::take(&mut *self.later.lock().unwrap_or_else(PoisonError::into_inner));
        for messages in later {
            self.life.step().await;
            let _ = self.world.publish(&messages);
        }
    }

    async fn did(&self, what: &'static str) -> MutexGuard<'_, State> {
        self.life.step().await;
        let mut state = self.world.state();
        state.last_step = what;
        state
    }
}

impl Tx<'_> {
    pub(crate) async fn commit(self, _: &str, _: &str) {
        let mut state = self.process.did("the change was committed").await;
        state.committed += 1;
        state.rows.extend(self.rows);
    }
}

#[async_trait]
impl Transaction for Tx<'_> {
    async fn insert(&mut self, messages: &[Recorded]) -> Result<(), Fault> {
        let fails = std::mem::take(&mut self.process.did("the rows were inserted").await.fails_to_insert);
        if fails {
            return Err(Fault::Unavailable("the database".to_owned()));
        }
        self.rows.extend_from_slice(messages);
        Ok(())
    }
}

#[async_trait]
impl Around for Process {
    async fn insert(&self, messages: &[Recorded]) -> Result<(), Fault> {
        self.did("the rows were inserted over another connection").await.rows.extend_from_slice(messages);
        Ok(())
    }

    async fn publish(&self, messages: &[Recorded]) -> Result<(), Fault> {
        self.life.step().await;
        self.world.publish(messages)
    }

    fn publish_later(&self, messages: Vec<Recorded>) {
        self.later.lock().unwrap_or_else(PoisonError::into_inner).push(messages);
    }

    fn wake_relay(&self) {}
}

#[async_trait]
impl Publish for Process {
    async fn publish(&self, messages: &[Recorded]) -> Result<(), Fault> {
        self.life.step().await;
        self.world.publish(messages)
    }
}

#[async_trait]
impl Outbox for Process {
    async fn lease(&self) -> Result<Option<Lease>, Fault> {
        let mut state = self.did("the relay had leased subjects").await;
        let now = state.now;
        let is_free = |subject: &String| state.leases.get(subject).is_none_or(|(_, until)| *until < now);
        let free: BTreeSet<String> =
            state.rows.iter().map(|row| row.subject.clone()).filter(is_free).collect();
        // A few at a time, those that were put off last.
        let mut subjects: Vec<String> = free.into_iter().collect();
        subjects.sort_by_key(|subject| state.put_off.contains(subject));
        subjects.truncate(8);
        if subjects.is_empty() {
            return Ok(None);
        }
        let owner = Uuid::now_v7();
        for subject in &subjects {
            state.leases.insert(subject.clone(), (owner, now + 5));
        }
        Ok(Some(Lease { owner, subjects }))
    }

    async fn leased(&self, lease: &Lease) -> Result<Vec<Recorded>, Fault> {
        let state = self.did("the relay had read messages").await;
        let is_leased = |row: &&Recorded| lease.subjects.contains(&row.subject);
        Ok(state.rows.iter().filter(is_leased).take(AT_ONCE).cloned().collect())
    }

    async fn waiting(&self) -> Result<Vec<Recorded>, Fault> {
        let state = self.did("the relay had read messages").await;
        let mut rows = state.rows.clone();
        rows.sort_by_key(|row| row.id);
        rows.truncate(AT_ONCE);
        Ok(rows)
    }

    async fn mark(&self, published: &[Uuid]) -> Result<(), Fault> {
        let mut state = self.did("messages were marked").await;
        state.rows.retain(|row| !published.contains(&row.id));
        Ok(())
    }

    async fn release(&self, lease: Lease, published: &Result<(), Fault>) -> Result<(), Fault> {
        let mut state = self.did("the lease was given back").await;
        let now = state.now;
        for subject in lease.subjects {
            if state.leases.get(&subject).is_some_and(|(owner, _)| *owner == lease.owner) {
                state.leases.remove(&subject);
                if published.is_err() {
                    state.leases.insert(subject.clone(), (lease.owner, now));
                    state.put_off.insert(subject);
                } else {
                    state.put_off.remove(&subject);
                }
            }
        }
        Ok(())
    }
}
