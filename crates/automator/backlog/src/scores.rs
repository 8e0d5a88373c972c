//! Scores as they are stored.
//!
//! A score depends on the day, so a stored one is right for one day. Which day that is, is a row. Whoever changes what a score is made
//! of keeps that day as it is until the transaction ends ([`Tables::hold`]) and writes the score of that day. What the next day does to
//! the scores, and a restart with other weights, is one transaction of the first who wants to read ([`Scores::today`]): it waits for
//! those who hold the day, so it finds all that they have written.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use automator_ranking::Score;
use store::{Error, Query, Store, Tx, now, time::today};

use crate::ranks::Counts;

/// How often it is looked whether tasks are to be counted again.
const LOOKED: Duration = Duration::from_secs(10);

/// Where the scores of a table of tasks stand.
#[derive(Debug, Clone, Copy)]
pub struct Tables {
    /// The tasks. Their column `precedence` is the score with its sign turned, so that ascending is the order of the backlog.
    pub tasks: &'static str,
    /// One row, whose column `day` is the day of the scores (days since 1970-01-01).
    pub day: &'static str,
    /// What ranks are counted from.
    pub counts: Counts,
}

impl Tables {
    /// Keeps the day of the scores as it is until the transaction ends; that day. Before anything else is locked that has to do with
    /// tasks: whoever makes it another day waits for us, and then locks tasks.
    ///
    /// # Errors
    /// The database's.
    pub async fn hold(&self, store: &Store, tx: &mut Tx) -> Result<i64, Error> {
        store.lock_shared(tx, self.day).await?;
        self.day_of_scores(tx).await
    }

    /// The day of the scores in `store`.
    ///
    /// # Errors
    /// The database's.
    pub async fn day_in(&self, store: &Store) -> Result<i64, Error> {
        let (day,) = Query::assembled(format!("SELECT day FROM {}", self.day)).fetch_one(store).await?;
        Ok(day)
    }

    /// Makes anew what is derived from tasks that came from elsewhere with their scores, which are those of `day`.
    ///
    /// # Errors
    /// The database's.
    pub async fn came(&self, tx: &mut Tx, day: i64) -> Result<(), Error> {
        Query::assembled(format!("UPDATE {} SET day = $1", self.day)).bind(day).execute(&mut *tx).await?;
        self.count(tx).await
    }

    /// Waits for those who hold the day, and makes them wait: for who changes which tasks have a rank at all, and then has
    /// [`Tables::count`]. The day of the scores.
    ///
    /// # Errors
    /// The database's.
    pub async fn hold_alone(&self, store: &Store, tx: &mut Tx) -> Result<i64, Error> {
        store.lock_exclusive(tx, self.day).await?;
        self.day_of_scores(tx).await
    }

    /// Counts all tasks, which takes the place of what was noted of moves. The day has to be held alone.
    ///
    /// # Errors
    /// The database's.
    pub async fn count(&self, tx: &mut Tx) -> Result<(), Error> {
        self.counts.anew(tx, self.tasks).await
    }

    async fn day_of_scores(&self, tx: &mut Tx) -> Result<i64, Error> {
        let (day,) = Query::assembled(format!("SELECT day FROM {}", self.day)).fetch_one(tx).await?;
        Ok(day)
    }
}

/// The scores in a table of tasks, for whoever reads them.
#[derive(Debug, Clone)]
pub struct Scores {
    store: Store,
    tables: Tables,
    /// The day for which this process has seen to them.
    day: Arc<AtomicI64>,
    /// When it last looked whether tasks are to be counted again, epoch ms.
    looked: Arc<AtomicI64>,
}

impl Scores {
    /// Those of `tables`, right for today and for the weights that this process knows.
    ///
    /// # Errors
    /// The database's.
    pub async fn of(store: Store, tables: Tables) -> Result<Self, Error> {
        let today = today();
        let (day, looked) = (Arc::new(AtomicI64::new(today)), Arc::new(AtomicI64::new(now())));
        let scores = Self { store, tables, day, looked };
        let mut tx = scores.store.begin_write().await?;
        scores.store.lock_exclusive(&mut tx, tables.day).await?;
        scores.score(&mut tx, today).await?;
        tx.commit().await?;
        Ok(scores)
    }

    /// Today, with scores that are right for it: before each read. The first of a day writes those that the night has changed.
    ///
    /// # Errors
    /// The database's.
    pub async fn today(&self) -> Result<i64, Error> {
        self.on(today()).await
    }

    /// As [`Scores::today`] on a day that the caller names.
    ///
    /// # Errors
    /// The database's.
    pub async fn on(&self, today: i64) -> Result<i64, Error> {
        if self.day.load(Ordering::Acquire) != today {
            let mut tx = self.store.begin_write().await?;
            self.store.lock_exclusive(&mut tx, self.tables.day).await?;
            // Another process may have been here before us, also one whose clock is a little ahead.
            if !(today..=today + 1).contains(&self.tables.day_of_scores(&mut tx).await?) {
                self.score(&mut tx, today).await?;
            }
            tx.commit().await?;
            self.day.store(today, Ordering::Release);
        }
        self.count_now_and_then();
        Ok(today)
    }

    /// Writes the scores of that day, and counts anew.
    async fn score(&self, tx: &mut Tx, day: i64) -> Result<(), Error> {
        let tasks = self.tables.tasks;
        let precedence = format!("-{}", Score::expression(day));
        let update = format!("UPDATE {tasks} SET precedence = {precedence} WHERE precedence <> {precedence}");
        let changed = Query::assembled(update).execute(&mut *tx).await?;
        self.tables.came(tx, day).await?;
        tracing::info!(changed, "scored the tasks for today");
        Ok(())
    }

    /// Nobody waits for it: ranks are right without, and only take longer to read.
    fn count_now_and_then(&self) {
        let (last, now) = (self.looked.load(Ordering::Relaxed), now());
        let is_due = now - last > i64::try_from(LOOKED.as_millis()).unwrap_or(i64::MAX);
        if is_due && self.looked.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            let scores = self.clone();
            tokio::spawn(async move {
                if let Err(error) = scores.count_anew().await {
                    tracing::warn!(%error, "cannot count the tasks");
                }
            });
        }
    }

    /// Counts the tasks, score by score, where many have moved since that was done.
    ///
    /// # Errors
    /// The database's.
    pub async fn count_anew(&self) -> Result<(), Error> {
        let Tables { tasks, day, counts } = self.tables;
        if counts.are_many(&self.store).await? {
            let mut tx = self.store.begin_write().await?;
            self.store.lock_exclusive(&mut tx, day).await?;
            counts.anew(&mut tx, tasks).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}
