//! A database with an inbox, and a feed, in memory. Each thing that a process does to them is a step, at which it may be killed.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use acceptance::serde_json::json;
use async_trait::async_trait;
use chassis::{Fault, event::Recorded};
use kit_07_events::inbox::{Consumer, Delivery, Transaction};
use uuid::Uuid;

use crate::life::Life;

type Key = (String, Uuid);

#[derive(Debug, Default)]
struct State {
    inbox: BTreeSet<Key>,
    /// Rows that a transaction has inserted and not committed yet, by its number.
    open: BTreeMap<Key, u64>,
    transactions: u64,
    /// Who has done what.
    effects: Vec<String>,
    acknowledged: BTreeSet<Key>,
    fails: Option<&'static str>,
    last_step: &'static str,
}

/// What outlives every process.
#[derive(Debug, Clone, Default)]
pub(crate) struct World(Arc<Mutex<State>>);

/// A message about a task.
pub(crate) fn message(task: &str, text: &str) -> Recorded {
    Recorded {
        id: Uuid::now_v7(),
        kind: "backlog.task_assigned".to_owned(),
        version: 1,
        origin: "api".to_owned(),
        subject: task.to_owned(),
        time: jiff::Timestamp::UNIX_EPOCH,
        data: json!({ "text": text }),
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn process(&self, consumer: &str, message: &Recorded, life: Life) -> Process {
        let (consumer, message) = (consumer.to_owned(), message.clone());
        Process { world: self.clone(), life: Arc::new(life), consumer, message }
    }

    pub(crate) fn effects(&self) -> Vec<String> {
        self.state().effects.clone()
    }

    pub(crate) fn is_acknowledged(&self, consumer: &str, message: &Recorded) -> bool {
        self.state().acknowledged.contains(&(consumer.to_owned(), message.id))
    }

    /// They were lost on their way.
    pub(crate) fn forget_acknowledgements(&self) {
        self.state().acknowledged.clear();
    }

    /// The next time that somebody does `what`, it fails.
    pub(crate) fn fail_next(&self, what: &'static str) {
        self.state().fails = Some(what);
    }

    pub(crate) fn last_step(&self) -> &'static str {
        let last = self.state().last_step;
        if last.is_empty() { "it had begun" } else { last }
    }
}

/// A process that is handed a message.
pub(crate) struct Process {
    world: World,
    pub(crate) life: Arc<Life>,
    consumer: String,
    message: Recorded,
}

/// A transaction of it.
struct Tx {
    world: World,
    life: Arc<Life>,
    number: u64,
    consumer: String,
    effects: Vec<String>,
}

impl Tx {
    async fn did(&self, what: &'static str) -> MutexGuard<'_, State> {
        self.life.step().await;
        let mut state = self.world.state();
        state.last_step = what;
        state
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let number = self.number;
        self.world.state().open.retain(|_, by| *by != number);
    }
}

#[async_trait]
impl Consumer for Process {
    fn name(&self) -> &str {
        &self.consumer
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, Fault> {
        self.life.step().await;
        let (world, life, consumer) = (self.world.clone(), self.life.clone(), self.consumer.clone());
        let number = {
            let mut state = self.world.state();
            state.transactions += 1;
            state.transactions
        };
        Ok(Box::new(Tx { world, life, number, consumer, effects: Vec::new() }))
    }
}

#[async_trait]
impl Transaction for Tx {
    async fn insert_once(&mut self, consumer: &str, message: Uuid) -> Result<bool, Fault> {
        let key = (consumer.to_owned(), message);
        loop {
            let mut state = self.did("the row was inserted into the inbox").await;
            if state.inbox.contains(&key) || state.open.get(&key) == Some(&self.number) {
                return Ok(false);
            }
            if let Entry::Vacant(free) = state.open.entry(key.clone()) {
                free.insert(self.number);
                return Ok(true);
            }
        }
    }

    async fn is_there(&mut self, consumer: &str, message: Uuid) -> Result<bool, Fault> {
        let key = (consumer.to_owned(), message);
        let state = self.did("it had looked into the inbox").await;
        Ok(state.inbox.contains(&key) || state.open.get(&key) == Some(&self.number))
    }

    async fn insert(&mut self, consumer: &str, message: Uuid) -> Result<(), Fault> {
        let is_new = self.insert_once(consumer, message).await?;
        if is_new { Ok(()) } else { Err(Fault::Taken(format!("message {message}"))) }
    }

    async fn apply(&mut self, message: &Recorded) -> Result<(), Fault> {
        let fails = self
            .did("the mail was written down, and not committed")
            .await
            .fails
            .take_if(|what| *what == "an effect");
        if fails.is_some() {
            return Err(Fault::Unavailable("the database".to_owned()));
        }
        self.effects.push(format!("{}: {} {}", self.consumer, message.subject, message.data["text"]));
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<(), Fault> {
        let effects = std::mem::take(&mut self.effects);
        let mut state = self.did("it had committed").await;
        if state.fails.take_if(|what| *what == "a commit").is_some() {
            return Err(Fault::Unavailable("the database".to_owned()));
        }
        let number = self.number;
        let mine: Vec<Key> =
            state.open.iter().filter(|(_, by)| **by == number).map(|(key, _)| key.clone()).collect();
        state.inbox.extend(mine);
        state.effects.extend(effects);
        Ok(())
    }
}

#[async_trait]
impl Delivery for Process {
    fn message(&self) -> &Recorded {
        &self.message
    }

    async fn acknowledge(&self) -> Result<(), Fault> {
        self.life.step().await;
        let mut state = self.world.state();
        state.last_step = "the feed was told that it is done with";
        state.acknowledged.insert((self.consumer.clone(), self.message.id));
        Ok(())
    }
}
