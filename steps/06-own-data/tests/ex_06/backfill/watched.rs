//! A source and a target of which each statement is counted, and where something may happen before one of them: somebody changes a
//! row, the database is away, the backfill is killed.

use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use acceptance::{
    futures::future::{BoxFuture, pending},
    tokio::{select, sync::Notify},
};
use async_trait::async_trait;
use kit_06_own_data::{
    Fault,
    backfill::{PAGE, Row, Source, Target, Writing},
};
use step_06_own_data::pieces::backfill::backfill;

/// More statements than a table of the tests needs, also where a page has one row; and more rows than are read of it.
const LONGEST: usize = 10_000;

/// What is done to a database by one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Statement {
    Checkpoint,
    Page,
    Begin,
    Upsert,
    SetCheckpoint,
    Commit,
}

/// What happens before the statement with this number, which counts from 1.
pub(super) enum Before {
    Nothing,
    /// The backfill is killed.
    Kill(usize),
    /// The statement fails.
    Fail(usize),
    /// Something else.
    This(usize, BoxFuture<'static, ()>),
}

/// How a run of the backfill ended.
#[derive(Debug)]
pub(super) enum End {
    /// By itself.
    Done(Result<(), Fault>),
    Killed,
    /// It does the same over and over.
    GoesRound,
}

/// A run with all that it did.
pub(super) struct Run {
    pub(super) end: End,
    /// Each statement, in order; where it was killed, without the one that it did not come to.
    pub(super) statements: Vec<Statement>,
    /// How many rows it has read.
    pub(super) read: usize,
    /// How many it has inserted or changed.
    pub(super) written: u64,
    /// How many it had read and not yet stored, at the most.
    pub(super) in_hand: usize,
}

impl Run {
    pub(super) fn is_ok(&self) -> bool {
        matches!(self.end, End::Done(Ok(())))
    }
}

#[derive(Default)]
struct Counts {
    statements: Vec<Statement>,
    read: usize,
    written: u64,
    in_hand: usize,
    most_in_hand: usize,
    goes_round: bool,
}

struct Watch {
    counts: Mutex<Counts>,
    before: Mutex<Before>,
    /// Told when nothing more shall happen.
    stopped: Notify,
}

struct Watched<'a, S> {
    it: &'a S,
    watch: Arc<Watch>,
}

/// The learner's backfill from `source` to `target`.
pub(super) async fn run(source: &impl Source, target: &impl Target, before: Before) -> Run {
    let watch =
        Arc::new(Watch { counts: Mutex::default(), before: Mutex::new(before), stopped: Notify::new() });
    let (source, target) = (
        Watched { it: source, watch: Arc::clone(&watch) },
        Watched { it: target, watch: Arc::clone(&watch) },
    );
    let working = pin!(backfill(&source, &target));
    let ended = select! {
        ended = working => Some(ended),
        () = watch.stopped.notified() => None,
    };
    let counts = watch.counts();
    let end = match ended {
        Some(ended) => End::Done(ended),
        None if counts.goes_round => End::GoesRound,
        None => End::Killed,
    };
    let (statements, in_hand) = (counts.statements.clone(), counts.most_in_hand);
    Run { end, statements, read: counts.read, written: counts.written, in_hand }
}

impl Watch {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn before(&self, statement: Statement) -> Result<(), Fault> {
        let number = {
            let mut counts = self.counts();
            counts.goes_round = counts.statements.len().max(counts.read) >= LONGEST;
            counts.statements.len() + 1
        };
        let due = {
            let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
            let is_due = match *before {
                Before::Nothing => false,
                Before::Kill(at) | Before::Fail(at) | Before::This(at, _) => at == number,
            };
            if is_due { std::mem::replace(&mut *before, Before::Nothing) } else { Before::Nothing }
        };
        let is_killed = matches!(due, Before::Kill(_)) || self.counts().goes_round;
        if is_killed {
            self.stopped.notify_one();
            return pending().await;
        }
        self.counts().statements.push(statement);
        match due {
            Before::Fail(_) => return Err(Fault::Unavailable("the database".to_owned())),
            Before::This(_, happens) => happens.await,
            Before::Nothing | Before::Kill(_) => {}
        }
        Ok(())
    }
}

#[async_trait]
impl<S: Source> Source for Watched<'_, S> {
    async fn page(&self, after: Option<&str>, limit: u32) -> Result<Vec<Row>, Fault> {
        self.watch.before(Statement::Page).await?;
        if limit > PAGE {
            return Err(Fault::invalid("limit", format!("must be at most {PAGE}")));
        }
        let rows = self.it.page(after, limit).await?;
        let mut counts = self.watch.counts();
        counts.read += rows.len();
        counts.in_hand += rows.len();
        counts.most_in_hand = counts.most_in_hand.max(counts.in_hand);
        Ok(rows)
    }
}

#[async_trait]
impl<T: Target> Target for Watched<'_, T> {
    async fn checkpoint(&self) -> Result<Option<String>, Fault> {
        self.watch.before(Statement::Checkpoint).await?;
        self.it.checkpoint().await
    }

    async fn begin(&self) -> Result<Box<dyn Writing>, Fault> {
        self.watch.before(Statement::Begin).await?;
        let it = self.it.begin().await?;
        Ok(Box::new(WatchedWriting { it, watch: Arc::clone(&self.watch) }))
    }
}

struct WatchedWriting {
    it: Box<dyn Writing>,
    watch: Arc<Watch>,
}

#[async_trait]
impl Writing for WatchedWriting {
    async fn upsert_if_newer(&mut self, rows: &[Row]) -> Result<u64, Fault> {
        self.watch.before(Statement::Upsert).await?;
        let changed = self.it.upsert_if_newer(rows).await?;
        self.watch.counts().written += changed;
        Ok(changed)
    }

    async fn upsert(&mut self, rows: &[Row]) -> Result<u64, Fault> {
        self.watch.before(Statement::Upsert).await?;
        let changed = self.it.upsert(rows).await?;
        self.watch.counts().written += changed;
        Ok(changed)
    }

    async fn set_checkpoint(&mut self, id: &str) -> Result<(), Fault> {
        self.watch.before(Statement::SetCheckpoint).await?;
        self.it.set_checkpoint(id).await
    }

    async fn commit(self: Box<Self>) -> Result<(), Fault> {
        self.watch.before(Statement::Commit).await?;
        self.it.commit().await?;
        self.watch.counts().in_hand = 0;
        Ok(())
    }
}
