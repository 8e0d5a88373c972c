//! Ranks in SQL.
//!
//! A rank is one more than the tasks that stand before, of all that have one. To count those each time would be a pass over half of
//! them. So it is known how many tasks have which score: there are some hundreds of scores, however many tasks. What is left to count
//! are the tasks of the same score.
//!
//! The counts are lines of a ledger: a task that moves adds a line where it was and one where it is, in the same transaction, and no
//! line is ever changed, so two who move tasks of the same score do not wait for each other. Now and then the lines are added up.

use store::{Error, Query, Sql, Store, Tx};

/// How many lines are left alone, so that a small backlog is not counted again and again.
const FEW: i64 = 500;

/// How many tasks have which score.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    /// The table, with the columns `precedence` and `tasks`. A score has as many tasks as its lines say together.
    pub table: &'static str,
    /// A condition on tasks: those that have a rank.
    pub ranked: &'static str,
}

impl Counts {
    /// Notes that a task has moved: where it was, and where it is. `None` stands for no rank.
    ///
    /// # Errors
    /// The database's.
    pub async fn moved(&self, tx: &mut Tx, from: Option<f64>, to: Option<f64>) -> Result<(), Error> {
        if from == to {
            return Ok(());
        }
        let mut sql = Sql::new("INSERT INTO ");
        sql.push(self.table).push(" (precedence, tasks) VALUES ");
        let lines = [(from, -1_i64), (to, 1)];
        for (index, (precedence, tasks)) in
            lines.iter().filter_map(|(place, tasks)| Some(((*place)?, *tasks))).enumerate()
        {
            sql.push(if index == 0 { "(" } else { ", (" }).bind(precedence);
            sql.push_bind(", ", tasks).push(")");
        }
        sql.execute(tx).await?;
        Ok(())
    }

    /// Counts all tasks, while nobody moves one.
    pub(crate) async fn anew(&self, tx: &mut Tx, tasks: &str) -> Result<(), Error> {
        let Self { table, ranked } = self;
        Query::assembled(format!("DELETE FROM {table}")).execute(&mut *tx).await?;
        let count = format!(
            "INSERT INTO {table} (precedence, tasks) SELECT precedence, count(*) FROM {tasks} WHERE {ranked} GROUP BY precedence"
        );
        Query::assembled(count).execute(tx).await?;
        Ok(())
    }

    /// Whether there are many more lines than scores.
    pub(crate) async fn want_adding_up(&self, store: &Store) -> Result<bool, Error> {
        let count = format!("SELECT count(*), count(DISTINCT precedence) FROM {}", self.table);
        let (lines, scores): (i64, i64) = Query::assembled(count).fetch_one(store).await?;
        Ok(lines > scores + FEW)
    }

    /// The rank of each of `tasks t`; NULL where it is done.
    #[must_use]
    pub fn rank(&self, tasks: &str) -> String {
        let Self { table, ranked } = self;
        format!(
            "CASE WHEN t.status = 'done' THEN NULL ELSE 1 \
               + (SELECT CAST(coalesce(sum(c.tasks), 0) AS BIGINT) FROM {table} c WHERE c.precedence < t.precedence) \
               + (SELECT count(*) FROM {tasks} WHERE precedence = t.precedence AND (opened_at, item_key) < (t.opened_at, t.item_key) \
                  AND {ranked}) END"
        )
    }

    /// The same for `tasks` whose precedence is not the stored one: all of them are numbered. The rank, and what `t` is joined with for
    /// it.
    #[must_use]
    pub fn numbered(&self, tasks: &str) -> (String, String) {
        let join = format!(
            " LEFT JOIN (SELECT id, row_number() OVER (ORDER BY precedence, opened_at, item_key) AS rank FROM {tasks} WHERE {}) o \
              ON o.id = t.id",
            self.ranked
        );
        ("o.rank".to_owned(), join)
    }
}
