//! Scores as they are stored.
//!
//! A score depends on the day, so a stored one is right for one day. Whoever changes what a score is made of writes it in the same
//! transaction; what the day does to it, and a restart with other weights, is one UPDATE, made by the first who wants to read.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use automator_ranking::Score;
use store::{Error, Query, Store, time::today};

/// The scores in the column `precedence` of a table of tasks: with the sign turned, so that ascending is the order of the backlog.
#[derive(Debug, Clone)]
pub struct Scores {
    store: Store,
    table: &'static str,
    /// The day for which this process has seen to them.
    day: Arc<AtomicI64>,
}

impl Scores {
    /// Those of `table`, right for today and for the weights that this process knows.
    ///
    /// # Errors
    /// The database's.
    pub async fn of(store: Store, table: &'static str) -> Result<Self, Error> {
        let scores = Self { store, table, day: Arc::new(AtomicI64::new(i64::MIN)) };
        scores.today().await?;
        Ok(scores)
    }

    /// Today, with scores that are right for it: before each read. The first of a day writes those that the night has changed.
    ///
    /// # Errors
    /// The database's.
    pub async fn today(&self) -> Result<i64, Error> {
        let today = today();
        if self.day.load(Ordering::Acquire) != today {
            let precedence = format!("-{}", Score::expression(today));
            let table = self.table;
            // Several may do so at once: whoever comes later finds nothing to do.
            let update =
                format!("UPDATE {table} SET precedence = {precedence} WHERE precedence <> {precedence}");
            let changed = Query::assembled(update).execute(&self.store).await?;
            tracing::info!(changed, "scored the tasks for today");
            self.day.store(today, Ordering::Release);
        }
        Ok(today)
    }
}
