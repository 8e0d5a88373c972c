//! Ranks in SQL.
//!
//! A rank is one more than the tasks that stand before, of all that have one. To count those each time would be a pass over half of
//! them. So they are counted now and then, score by score, and each move since then is noted. What is left to count are the moves, and
//! the tasks of the same score.
//!
//! A task that moves adds a line where it was and one where it is, in the same transaction, and no line is ever changed: two who move
//! tasks do not wait for each other.

use store::{Error, Query, Sql, Store, Tx};

/// How many moves are left alone: to add them up takes less time than to count all tasks.
const FEW: i64 = 500;

/// What ranks are counted from.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    /// A condition on tasks: those that have a rank.
    pub ranked: &'static str,
    /// The last count. A row for each `precedence`, with how many `tasks` had it and how many stood `before` those.
    pub counted: &'static str,
    /// The moves since: lines of a `precedence` and by how many `tasks` it has become more.
    pub moves: &'static str,
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
        sql.push(self.moves).push(" (precedence, tasks) VALUES ");
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
        let Self { ranked, counted, moves } = self;
        for table in [counted, moves] {
            Query::assembled(format!("DELETE FROM {table}")).execute(&mut *tx).await?;
        }
        let count = format!(
            "INSERT INTO {counted} (precedence, before, tasks) \
             SELECT precedence, CAST(sum(count(*)) OVER (ORDER BY precedence) - count(*) AS BIGINT), count(*) \
             FROM {tasks} WHERE {ranked} GROUP BY precedence"
        );
        Query::assembled(count).execute(tx).await?;
        Ok(())
    }

    /// Whether there were many moves since the last count.
    pub(crate) async fn are_many(&self, store: &Store) -> Result<bool, Error> {
        let count = format!("SELECT count(*) FROM {}", self.moves);
        let (moves,): (i64,) = Query::assembled(count).fetch_one(store).await?;
        Ok(moves > FEW)
    }

    /// The rank of each of `tasks t`; NULL where it is done.
    #[must_use]
    pub fn rank(&self, tasks: &str) -> String {
        let Self { ranked, counted, moves } = self;
        format!(
            "CASE WHEN t.status = 'done' THEN NULL ELSE 1 \
               + coalesce((SELECT CASE WHEN c.precedence < t.precedence THEN c.before + c.tasks ELSE c.before END \
                           FROM {counted} c WHERE c.precedence <= t.precedence ORDER BY c.precedence DESC LIMIT 1), 0) \
               + (SELECT CAST(coalesce(sum(m.tasks), 0) AS BIGINT) FROM {moves} m WHERE m.precedence < t.precedence) \
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
