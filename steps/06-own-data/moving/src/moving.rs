//! One move, as the mover that works on it has it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chassis::Fault;
use futures::future::BoxFuture;
use kit_06_own_data::{
    backfill::{PAGE, Source, Target},
    cut_over::{Decision, Outcome, Side},
};
use store::{Query, Store, query};
use tokio::time::sleep;

use crate::{
    Plan,
    fence::{self, Fence, First, Hand},
    layout::Layout,
    mirror,
    points::Points,
    state::Record,
};

/// Copies one table: exercise 06.1.
pub type Backfill = for<'a> fn(&'a dyn Source, &'a dyn Target) -> BoxFuture<'a, Result<(), Fault>>;

/// Another mover has taken the move over, and this one must do nothing any more.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("another mover has taken over the move of {0}")]
pub struct TakenOver(pub &'static str);

impl TakenOver {
    /// Whether that is what `fault` says.
    #[must_use]
    pub fn is(fault: &Fault) -> bool {
        matches!(fault, Fault::Internal(source) if source.is::<Self>())
    }
}

/// To count the rows behind the fence would stop writers for longer than people accept, and nothing changes that by trying again.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("to count the rows of {module} would stop writers for {} {} ms, and {accepted} are accepted", if *.ended { "about" } else { "more than" }, .took)]
pub struct TooLong {
    pub(crate) module: &'static str,
    /// For how long it was counted, in ms; and whether to the end.
    pub(crate) took: u128,
    pub(crate) ended: bool,
    pub(crate) accepted: u128,
}

impl TooLong {
    /// Whether that is what `fault` says.
    #[must_use]
    pub fn is(fault: &Fault) -> bool {
        matches!(fault, Fault::Internal(source) if source.is::<Self>())
    }
}

/// What a mover is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether it cuts over without asking anybody.
    pub at_once: bool,
    /// For how long writers may be stopped while rows are counted behind the fence. It is also the limit of that statement, in place of
    /// the one that each statement has: tables that people accept to wait for can be counted, however large.
    pub longest_count: Duration,
    /// Copies one table.
    pub backfill: Backfill,
    /// Where it may be killed.
    pub points: Arc<Points>,
}

/// A move of the rows of one module, which this mover has taken.
#[derive(Debug)]
pub struct Move {
    pub(crate) plan: Plan,
    pub(crate) old: Store,
    pub(crate) new: Store,
    pub(crate) layouts: Vec<Layout>,
    pub(crate) points: Arc<Points>,
    pub(crate) settings: Settings,
    epoch: i64,
    closed: Mutex<Option<Side>>,
}

impl Move {
    /// Takes the move of `plan` from whoever has it, and lifts a fence that a killed mover left.
    ///
    /// # Errors
    /// A database's; [`Fault::NotFound`] when a table is on neither side, or not the same on both.
    pub async fn take(plan: Plan, old: Store, new: Store, settings: Settings) -> Result<Self, Fault> {
        fence::prepare(&old, plan.module, First::Open).await?;
        fence::prepare(&new, plan.module, First::Closed).await?;
        Record::of(plan.module, &new).prepare().await?;
        query(
            "CREATE TABLE IF NOT EXISTS move_checkpoints (module TEXT NOT NULL, table_name TEXT NOT NULL, last_id TEXT NOT NULL, \
             PRIMARY KEY (module, table_name))",
        )
        .execute(&new)
        .await?;
        mirror::prepare(&old, &plan).await?;
        mirror::prepare(&new, &plan).await?;
        let (of_old, of_new) = (fence::read(&old, plan.module).await?, fence::read(&new, plan.module).await?);
        let layouts = layouts(&plan, &old, &new, of_old.opened > of_new.opened).await?;
        let epoch = of_old.epoch.max(of_new.epoch) + 1;
        let points = settings.points.clone();
        let taken = Self { plan, old, new, layouts, points, settings, epoch, closed: Mutex::default() };
        taken.points.at("a mover has begun").await;
        taken.hand(Side::Old).take().await?;
        taken.points.at("the fence of one side is taken over").await;
        taken.hand(Side::New).take().await?;
        taken.points.at("both fences are taken over").await;
        taken.lift().await?;
        Ok(taken)
    }

    /// Lets people write where they wrote last, when no side takes writes: nothing has been written on the other side since it was
    /// closed. Reads follow.
    ///
    /// # Errors
    /// A database's.
    pub async fn lift(&self) -> Result<(), Fault> {
        let (old, new) = self.fences().await?;
        if old.writes + new.writes > 0 {
            return Ok(());
        }
        let last = self.latest().await?;
        tracing::warn!(module = self.plan.module, side = ?last, "lifts a fence that was left closed");
        self.hand(Side::Old).set_reads(last == Side::Old).await?;
        self.hand(last).open(if last == Side::Old { old.opened } else { new.opened }).await
    }

    /// Begins the move, or goes on with the one that is under way. What it came to, when there is nothing left to do: people have said
    /// "back" and are back, and the mover before was killed before it could say so.
    ///
    /// # Errors
    /// A database's.
    pub async fn begin(&self) -> Result<Option<Outcome>, Fault> {
        self.state().begin().await?;
        let is_back =
            self.state().decision().await? == Some(Decision::Back) && self.latest().await? == Side::Old;
        Ok(is_back.then_some(Outcome::Back))
    }

    /// Ends it after the function that calls the operations has ended.
    ///
    /// # Errors
    /// A database's.
    pub async fn end(&self, outcome: Outcome) -> Result<(), Fault> {
        self.stage(match outcome {
            Outcome::Moved => "kept",
            Outcome::Back => "back",
            Outcome::Differs(rows) => {
                self.state().differing(rows).await?;
                self.forget_the_copy().await?;
                "differs"
            }
        })
        .await
    }

    /// Empties the new side, where nobody works: whatever was wrong with the copy, the next move makes another one.
    async fn forget_the_copy(&self) -> Result<(), Fault> {
        let forget = query("DELETE FROM move_checkpoints WHERE module = $1").bind(self.plan.module);
        forget.execute(&self.new).await?;
        let hand = self.hand(Side::New);
        for layout in self.layouts.iter().rev() {
            let name = layout.table.name;
            let sql = format!("DELETE FROM {name} WHERE id IN (SELECT id FROM {name} LIMIT {PAGE})");
            loop {
                let mut tx = hand.begin().await?;
                let gone = Query::assembled(sql.clone()).execute(&mut tx).await?;
                hand.commit(tx).await?;
                if gone == 0 {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Opens the side that this mover has closed, when it has not opened the other one since: the other database may be away for long,
    /// and nothing was written there.
    ///
    /// # Errors
    /// A database's; another mover has the move.
    pub async fn open_again(&self) -> Result<(), Fault> {
        let Some(side) = *self.closed() else { return Ok(()) };
        let opened = fence::read(self.side(side), self.plan.module).await?.opened;
        tracing::warn!(module = self.plan.module, ?side, "opens what it had closed");
        self.hand(Side::Old).set_reads(side == Side::Old).await?;
        self.hand(side).open(opened).await?;
        *self.closed() = None;
        Ok(())
    }

    /// Which side this mover has closed, until it opens one.
    pub(crate) fn closed(&self) -> MutexGuard<'_, Option<Side>> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far it is.
    #[must_use]
    pub fn state(&self) -> Record<'_> {
        Record::of(self.plan.module, &self.new)
    }

    /// Says at which stage the move is, unless another mover says so by now.
    pub(crate) async fn stage(&self, stage: &'static str) -> Result<(), Fault> {
        let (old, new) = self.fences().await?;
        if old.epoch.max(new.epoch) > self.epoch {
            return Err(Fault::internal(TakenOver(self.plan.module)));
        }
        self.state().stage(stage).await
    }

    /// Waits a moment at a stage in which people think, following meanwhile.
    pub(crate) async fn attend(&self, stage: &'static str) -> Result<(), Fault> {
        self.stage(stage).await?;
        self.follow_closely().await?;
        sleep(Duration::from_millis(50)).await;
        Ok(())
    }

    pub(crate) fn side(&self, side: Side) -> &Store {
        match side {
            Side::Old => &self.old,
            Side::New => &self.new,
        }
    }

    pub(crate) fn hand(&self, side: Side) -> Hand<'_> {
        Hand { store: self.side(side), module: self.plan.module, epoch: self.epoch }
    }

    /// The fences of the old and the new side.
    pub(crate) async fn fences(&self) -> Result<(Fence, Fence), Fault> {
        let module = self.plan.module;
        Ok((fence::read(&self.old, module).await?, fence::read(&self.new, module).await?))
    }

    /// The side that was opened last.
    pub(crate) async fn latest(&self) -> Result<Side, Fault> {
        let (old, new) = self.fences().await?;
        Ok(if new.opened > old.opened { Side::New } else { Side::Old })
    }

    /// Where rows are written, and where the follower takes them.
    pub(crate) async fn direction(&self) -> Result<(Side, Side), Fault> {
        let from = self.latest().await?;
        Ok((from, other(from)))
    }

    /// Counts what there is to copy.
    pub(crate) async fn count(&self) -> Result<(), Fault> {
        let mut left = self.state().read().await?.copied;
        for layout in &self.layouts {
            let sql = format!("SELECT count(*) FROM {}", layout.table.name);
            let count = async |side| Query::assembled(sql.clone()).fetch_one::<(i64,)>(side).await;
            left += (count(&self.old).await?.0 - count(&self.new).await?.0).max(0);
        }
        self.state().counted(left).await
    }
}

/// Its other side.
pub(crate) fn other(side: Side) -> Side {
    match side {
        Side::Old => Side::New,
        Side::New => Side::Old,
    }
}

/// How many entries the follower has not followed yet; none where no mirror was ever installed.
///
/// # Errors
/// A database's.
pub async fn lag(plan: &Plan, old: &Store, new: &Store) -> Result<i64, Fault> {
    let mut lag = 0;
    for store in [old, new] {
        let entries = plan.moved_rows();
        if store.has_table(&entries).await? {
            let sql = format!("SELECT count(*) FROM {entries}");
            lag += Query::assembled(sql).fetch_one::<(i64,)>(store).await?.0;
        }
    }
    Ok(lag)
}

/// The tables, which must be the same on both sides. Where the rows are on the new side, the old one may have dropped them already.
async fn layouts(plan: &Plan, old: &Store, new: &Store, are_old: bool) -> Result<Vec<Layout>, Fault> {
    let mut layouts = Vec::new();
    for table in plan.tables {
        let missing = |side| Fault::NotFound(format!("the table {} of the {side} database", table.name));
        let here = Layout::read(new, *table).await?.ok_or_else(|| missing("new"))?;
        match Layout::read(old, *table).await? {
            Some(there) if !here.is_like(&there) => {
                return Err(Fault::internal(format!("{} has other columns in the old database", table.name)));
            }
            None if are_old => return Err(missing("old")),
            _ => layouts.push(here),
        }
    }
    Ok(layouts)
}
