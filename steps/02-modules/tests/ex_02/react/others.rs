//! The team and the messages as a test has them, and a transaction that remembers what it was told.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use domain::{Member, Message, Notification, Role};
use step_02_contracts::{
    BacklogEvent, Ctx, Fault, IdempotencyKey, Maintainers, Notify, Once, Recorded, Tell,
};
use uuid::Uuid;

pub(crate) const NAME: &str = "Ada Lovelace";
pub(crate) const EMAIL: &str = "ada@private.example";
pub(crate) const PHONE: &str = "+15550001234";

/// Ada is in the team; mails wait in a queue.
#[derive(Default)]
pub(crate) struct Others {
    is_down: bool,
    /// Whether the first mail finds nobody who would take it.
    fails_first: AtomicBool,
    calls: AtomicUsize,
    queue: Mutex<BTreeMap<String, Message>>,
}

impl Others {
    /// Answer nobody.
    pub(crate) fn down() -> Self {
        Self { is_down: true, ..Self::default() }
    }

    /// Take the first mail of all not, and every later one.
    pub(crate) fn failing_first() -> Self {
        Self { fails_first: AtomicBool::new(true), ..Self::default() }
    }

    /// How often they were asked for anything.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// The mails that go out: one for each key.
    pub(crate) fn mails(&self) -> Vec<Message> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Message>> {
        self.queue.lock().expect("nobody panics with it")
    }

    fn is_asked(&self) -> Result<(), Fault> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.is_down { Err(Fault::Unavailable("everybody".to_owned())) } else { Ok(()) }
    }
}

#[async_trait]
impl Maintainers for Others {
    async fn active(&self, _: &Ctx) -> Result<Vec<Member>, Fault> {
        self.is_asked()?;
        Ok(vec![Member {
            login: "ada".parse().expect("a login"),
            name: NAME.to_owned(),
            email: EMAIL.to_owned(),
            phone: Some(PHONE.to_owned()),
            role: Role::Maintainer,
            on_call: false,
            active: true,
            version: 1,
        }])
    }
}

#[async_trait]
impl Notify for Others {
    async fn send(
        &self,
        _: &Ctx,
        _: Option<IdempotencyKey>,
        messages: Vec<Message>,
    ) -> Result<Once<Vec<Notification>>, Fault> {
        self.is_asked()?;
        if self.fails_first.swap(false, Ordering::Relaxed) {
            return Err(Fault::Unavailable("notify".to_owned()));
        }
        for message in messages {
            let _ = self.lock().entry(message.key.clone()).or_insert(message);
        }
        Ok(Once { value: Vec::new(), replayed: false })
    }

    async fn find(&self, _: &Ctx, id: Uuid) -> Result<Notification, Fault> {
        self.is_asked()?;
        Err(Fault::NotFound(id.to_string()))
    }
}

/// What would be told once it commits; dropped, it was rolled back.
#[derive(Default)]
pub(crate) struct Transaction {
    recorded: Vec<Recorded>,
    takes_nothing: bool,
}

impl Transaction {
    /// One that cannot take anything along.
    pub(crate) fn that_takes_nothing() -> Self {
        Self { takes_nothing: true, ..Self::default() }
    }

    pub(crate) fn commit(self) -> Vec<Recorded> {
        self.recorded
    }
}

impl Tell for Transaction {
    fn record(&mut self, event: &BacklogEvent) -> Result<(), Fault> {
        if self.takes_nothing {
            return Err(Fault::internal("the event has no JSON form"));
        }
        self.recorded.push(Recorded::now(event)?);
        Ok(())
    }
}
