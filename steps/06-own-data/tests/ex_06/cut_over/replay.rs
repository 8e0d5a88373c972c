//! The learner's function as something that can be explored: what it asks for next, after which answers.
//!
//! A future cannot be copied, but it does the same when it gets the same answers. So it is run again from its beginning for each
//! list of answers that is met, once, and held at its next operation.

use std::{
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use acceptance::futures::future::pending;
use async_trait::async_trait;
use kit_06_own_data::{
    Fault,
    cut_over::{Decision, Operations, Outcome, Side},
};
use step_06_own_data::pieces::cut_over::cut_over;

/// How many operations a mover may ask for before it must have come to an end.
const LONGEST: usize = 40;

/// An operation that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Call {
    Writes,
    Mirror,
    Backfill,
    Compare,
    Fence,
    ReadFrom(Side),
    WriteTo(Side),
    Soak,
    DropOld,
}

/// What an operation says when it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    Done,
    Side(Side),
    Differ(u64),
    Decided(Decision),
    /// It could not be done.
    Failed,
}

/// What the function does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Next {
    Asks(Call),
    Ends(Outcome),
    /// It ends with an error.
    Fails,
    /// It has asked for [`LONGEST`] operations.
    GoesOn,
    /// It waits for something that is none of the operations.
    Waits,
}

/// A place in the function: everything that it was answered since it began.
pub(super) type Place = usize;

/// All places that were met; the first is the beginning.
pub(super) struct Function {
    places: Vec<Met>,
}

struct Met {
    answers: Vec<Answer>,
    next: Next,
    after: Vec<(Answer, Place)>,
}

impl Function {
    /// Where it begins.
    pub(super) const BEGINNING: Place = 0;

    pub(super) fn new() -> Self {
        Self { places: vec![Met::after(Vec::new())] }
    }

    /// What it does at `place`.
    pub(super) fn next(&self, place: Place) -> Next {
        self.places[place].next
    }

    /// Whether what it was told last is that something could not be done.
    pub(super) fn was_failed(&self, place: Place) -> bool {
        self.places[place].answers.last() == Some(&Answer::Failed)
    }

    /// Where it is when the operation of `place` has given this answer.
    pub(super) fn after(&mut self, place: Place, answer: Answer) -> Place {
        if let Some((_, known)) = self.places[place].after.iter().find(|(known, _)| *known == answer) {
            return *known;
        }
        let mut answers = self.places[place].answers.clone();
        answers.push(answer);
        self.places.push(Met::after(answers));
        let new = self.places.len() - 1;
        self.places[place].after.push((answer, new));
        new
    }
}

impl Met {
    fn after(answers: Vec<Answer>) -> Self {
        let script = Script { answers: answers.clone(), read: Mutex::default() };
        let mut function = pin!(cut_over(&script));
        let ended = function.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let next = match (ended, script.read().asked) {
            (Poll::Ready(Ok(outcome)), _) => Next::Ends(outcome),
            (Poll::Ready(Err(_)), _) => Next::Fails,
            (Poll::Pending, Some(_)) if answers.len() >= LONGEST => Next::GoesOn,
            (Poll::Pending, Some(call)) => Next::Asks(call),
            (Poll::Pending, None) => Next::Waits,
        };
        Self { answers, next, after: Vec::new() }
    }
}

/// Operations that give the answers which they are told to give, and no more.
struct Script {
    answers: Vec<Answer>,
    read: Mutex<Read>,
}

/// How far the answers were used up, and the first call beyond them.
#[derive(Default)]
struct Read {
    answers: usize,
    asked: Option<Call>,
}

impl Script {
    fn read(&self) -> MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, call: Call) -> Result<Answer, Fault> {
        let known = {
            let mut read = self.read();
            let known = self.answers.get(read.answers).copied();
            match known {
                Some(_) => read.answers += 1,
                None => read.asked = read.asked.or(Some(call)),
            }
            known
        };
        match known {
            Some(Answer::Failed) => Err(Fault::Unavailable("the database".to_owned())),
            Some(answer) => Ok(answer),
            None => pending().await,
        }
    }

    async fn done(&self, call: Call) -> Result<(), Fault> {
        self.answer(call).await.map(drop)
    }
}

#[async_trait]
impl Operations for Script {
    async fn writes(&self) -> Result<Side, Fault> {
        match self.answer(Call::Writes).await? {
            Answer::Side(side) => Ok(side),
            other => unreachable!("the answer to `writes` is a side, not {other:?}"),
        }
    }

    async fn mirror(&self) -> Result<(), Fault> {
        self.done(Call::Mirror).await
    }

    async fn backfill(&self) -> Result<(), Fault> {
        self.done(Call::Backfill).await
    }

    async fn compare(&self) -> Result<u64, Fault> {
        match self.answer(Call::Compare).await? {
            Answer::Differ(rows) => Ok(rows),
            other => unreachable!("the answer to `compare` is a number, not {other:?}"),
        }
    }

    async fn fence(&self) -> Result<(), Fault> {
        self.done(Call::Fence).await
    }

    async fn read_from(&self, side: Side) -> Result<(), Fault> {
        self.done(Call::ReadFrom(side)).await
    }

    async fn write_to(&self, side: Side) -> Result<(), Fault> {
        self.done(Call::WriteTo(side)).await
    }

    async fn soak(&self) -> Result<Decision, Fault> {
        match self.answer(Call::Soak).await? {
            Answer::Decided(decision) => Ok(decision),
            other => unreachable!("the answer to `soak` is a decision, not {other:?}"),
        }
    }

    async fn drop_old(&self) -> Result<(), Fault> {
        self.done(Call::DropOld).await
    }
}
