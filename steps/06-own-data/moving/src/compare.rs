//! Whether both sides have the same rows.
//!
//! Twice, since neither way is enough. **While people write**, every row of both sides is looked at, page by page: that takes its time,
//! and costs nobody a pause. It finds what the backfill left out or wrote wrongly, and what is on one side only. **Behind a fence** only
//! the count and the sum of versions of each table are compared: that takes milliseconds, and says that nothing went missing since.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chassis::Fault;
use kit_06_own_data::{
    backfill::{PAGE, Row},
    cut_over::Side,
};
use store::{Backend, Error, Query, Store};
use tokio::time::Instant;

use crate::{
    Move,
    layout::{Layout, placeholders},
    moving::TooLong,
};

/// How often a row that differs is looked at again, each time after the follower has passed.
const AGAIN: usize = 5;
/// So many differences are enough to say that there are many.
const MANY: usize = 10_000;
/// How many of them are named in the log.
const NAMED: usize = 5;

impl Move {
    /// How many rows differ while people write, each looked at again after the follower has passed it.
    ///
    /// # Errors
    /// A database's.
    pub(crate) async fn compare_rows(&self) -> Result<u64, Fault> {
        self.follow_closely().await?;
        let mut suspects = Vec::new();
        for layout in &self.layouts {
            suspects.extend(self.suspects(layout).await?.into_iter().map(|id| (layout, id)));
        }
        for _ in 0..AGAIN {
            if suspects.is_empty() {
                return Ok(0);
            }
            self.follow_closely().await?;
            suspects = self.still(suspects, true).await?;
        }
        // A row that somebody writes all the time is noted each time, and followed.
        let differing = self.still(suspects, false).await?;
        for (layout, id) in differing.iter().take(NAMED) {
            tracing::error!(
                module = self.plan.module,
                table = layout.table.name,
                row = id,
                "differs between the two sides"
            );
        }
        Ok(differing.len() as u64)
    }

    /// The ids of rows of a table that are not the same on both sides at a first look.
    async fn suspects(&self, layout: &Layout) -> Result<BTreeSet<String>, Fault> {
        let (from, to) = self.direction().await?;
        let (from, to) = (self.side(from), self.side(to));
        let mut suspects = BTreeSet::new();
        let mut after: Option<String> = None;
        loop {
            let rows = layout.page(from, after.as_deref(), None, PAGE).await?;
            let last = rows.last().filter(|_| rows.len() == PAGE as usize).map(|row| row.id.clone());
            let others = layout.page(to, after.as_deref(), last.as_deref(), PAGE * 2).await?;
            suspects.extend(unlike(&rows, &others));
            self.points.at("a page is compared").await;
            if last.is_none() || suspects.len() > MANY {
                return Ok(suspects);
            }
            after = last;
        }
    }

    /// Those of the suspects that differ; `or_pending`: also those of which an entry waits for the follower.
    ///
    /// The other side is read first, then the one that is written, then the entries: the follower does not run meanwhile, so a change
    /// that one look has seen and the other has not is among the entries.
    async fn still<'m>(
        &self,
        suspects: Vec<(&'m Layout, String)>,
        or_pending: bool,
    ) -> Result<Vec<(&'m Layout, String)>, Fault> {
        let (from, to) = self.direction().await?;
        let mut of_table: BTreeMap<&str, (&'m Layout, Vec<&str>)> = BTreeMap::new();
        for (layout, id) in &suspects {
            of_table.entry(layout.table.name).or_insert((layout, Vec::new())).1.push(id);
        }
        let mut still = Vec::new();
        for (layout, ids) in of_table.into_values() {
            for ids in ids.chunks(PAGE as usize) {
                let others = layout.of_ids(self.side(to), ids).await?;
                let rows = layout.of_ids(self.side(from), ids).await?;
                let pending = self.pending(self.side(from), layout, ids).await?;
                let unlike = unlike(&rows, &others).into_iter();
                let counts = unlike.filter(|id| or_pending || !pending.contains(id));
                still.extend(counts.map(|id| (layout, id)));
            }
        }
        Ok(still)
    }

    /// Those of the ids that have an entry which was not followed yet.
    async fn pending(&self, side: &Store, layout: &Layout, ids: &[&str]) -> Result<BTreeSet<String>, Fault> {
        let sql = format!(
            "SELECT row_id FROM {} WHERE table_name = '{}' AND row_id IN {}",
            self.plan.moved_rows(),
            layout.table.name,
            placeholders(ids.len())
        );
        let ask = ids.iter().fold(Query::assembled(sql), |query, id| query.bind(*id));
        let found: Vec<(String,)> = ask.fetch_all(side).await?;
        Ok(found.into_iter().map(|(id,)| id).collect())
    }

    /// By how many rows the tables differ in their counts, and in how many tables only the sums of versions do: behind a fence.
    ///
    /// # Errors
    /// A database's.
    pub(crate) async fn compare_sums(&self) -> Result<u64, Fault> {
        let [of_old, of_new] = self.counted().await?;
        let mut differing = 0;
        for ((layout, old), new) in self.layouts.iter().zip(of_old).zip(of_new) {
            if old != new {
                let (module, table) = (self.plan.module, layout.table.name);
                tracing::error!(module, table, ?old, ?new, "count and sum of versions differ");
                differing += old.0.abs_diff(new.0).max(1);
            }
        }
        Ok(differing)
    }

    /// Sees that to count behind the fence takes no longer than people accept, while nobody is stopped by it. What differs now may be
    /// on its way.
    ///
    /// # Errors
    /// [`TooLong`]; a database's.
    pub(crate) async fn can_be_counted(&self) -> Result<(), Fault> {
        let began = Instant::now();
        self.counted().await?;
        let (took, accepted) = (began.elapsed(), self.settings.longest_count);
        if took < accepted { Ok(()) } else { Err(self.too_long(took, true)) }
    }

    /// The sums of the old and of the new side.
    async fn counted(&self) -> Result<[Vec<(i64, i64)>; 2], Fault> {
        let began = Instant::now();
        match tokio::try_join!(self.sums(Side::Old), self.sums(Side::New)) {
            Ok((old, new)) => Ok([old, new]),
            Err(error) if error.is_statement_timeout() => Err(self.too_long(began.elapsed(), false)),
            Err(error) => Err(error.into()),
        }
    }

    fn too_long(&self, took: Duration, ended: bool) -> Fault {
        let accepted = self.settings.longest_count.as_millis();
        Fault::internal(TooLong { module: self.plan.module, took: took.as_millis(), ended, accepted })
    }

    /// The count and the sum of versions of each table.
    async fn sums(&self, side: Side) -> Result<Vec<(i64, i64)>, Error> {
        let store = self.side(side);
        // A transaction of its own has its own limit on PostgreSQL. SQLite has none, and its transactions would hold up writers.
        let mut tx = match store.backend() {
            Backend::Sqlite => None,
            Backend::Postgres => Some(store.begin_write().await?),
        };
        let (began, mut sums) = (Instant::now(), Vec::new());
        for layout in &self.layouts {
            let sql = format!(
                "SELECT count(*), CAST(coalesce(sum(version), 0) AS BIGINT) FROM {}",
                layout.table.name
            );
            let sum = Query::assembled(sql);
            sums.push(match &mut tx {
                Some(tx) => {
                    let left = self.settings.longest_count.saturating_sub(began.elapsed()).as_millis().max(1);
                    let limit = format!("SET LOCAL statement_timeout = {left}");
                    Query::assembled(limit).execute(&mut *tx).await?;
                    sum.fetch_one(tx).await?
                }
                None => sum.fetch_one(store).await?,
            });
        }
        Ok(sums)
    }
}

/// The ids of rows that are in one of the lists only, or not the same in both.
fn unlike(rows: &[Row], others: &[Row]) -> BTreeSet<String> {
    let by_id = |rows: &'_ [Row]| -> BTreeMap<String, Row> {
        rows.iter().map(|row| (row.id.clone(), row.clone())).collect()
    };
    let (rows, others) = (by_id(rows), by_id(others));
    let ids = rows.keys().chain(others.keys());
    ids.filter(|id| rows.get(*id) != others.get(*id)).cloned().collect()
}
