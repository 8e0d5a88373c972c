//! The follower: takes over to the other side what the mirror has noted.
//!
//! An entry says *which* row was written, not how: the follower reads the row as it is now and writes that, or takes it away where it is
//! gone. So an entry may be followed twice, and a mover that was killed between its two commits begins with the same entries again.
//!
//! It takes the lowest entries, and marks what it has followed by deleting it. It remembers no number: the numbers are given when a
//! row is written, and a transaction with a lower one may commit after one with a higher. Whoever remembers "up to 17" never sees 16.
//!
//! Entries of one transaction lie in its order, so a parent comes before its children.

use std::collections::{BTreeMap, BTreeSet};

use chassis::Fault;
use kit_06_own_data::backfill::{PAGE, Row};
use store::{Query, Tx};

use crate::{
    Move,
    layout::{Layout, placeholders},
};

/// So few entries are soon followed once nobody writes any more.
const FEW: usize = 100;
/// How often it is followed at most to come near the head, while people go on writing.
const ROUNDS: usize = 200;

impl Move {
    /// Takes over the first entries, 500 at most; how many those were.
    ///
    /// # Errors
    /// A database's.
    pub async fn follow(&self) -> Result<usize, Fault> {
        let (from, to) = self.direction().await?;
        let moved = self.plan.moved_rows();
        let sql = format!("SELECT seq, table_name, row_id FROM {moved} ORDER BY seq LIMIT {PAGE}");
        let entries: Vec<(i64, String, String)> = Query::assembled(sql).fetch_all(self.side(from)).await?;
        if entries.is_empty() {
            return Ok(0);
        }
        self.points.at("entries are read").await;
        let mut noted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (_, table, id) in &entries {
            noted.entry(table).or_default().insert(id);
        }
        let mut changes = Vec::new();
        for layout in &self.layouts {
            let Some(ids) = noted.get(layout.table.name) else { continue };
            let ids: Vec<&str> = ids.iter().copied().collect();
            let rows = layout.of_ids(self.side(from), &ids).await?;
            let there: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
            let gone = ids.into_iter().filter(|id| !there.contains(id)).collect();
            changes.push(Change { layout, rows, gone });
        }
        self.points.at("changed rows are read").await;
        let hand = self.hand(to);
        let mut tx = hand.begin().await?;
        self.apply(&mut tx, &changes).await?;
        self.points.at("changed rows are written, not committed").await;
        hand.commit(tx).await?;
        self.points.at("changed rows are committed").await;
        let sql = format!("DELETE FROM {moved} WHERE seq IN {}", placeholders(entries.len()));
        let done = entries.iter().fold(Query::assembled(sql), |query, (seq, ..)| query.bind(*seq));
        done.execute(self.side(from)).await?;
        self.points.at("entries are gone").await;
        Ok(entries.len())
    }

    /// Follows until there is little left, while people go on writing.
    ///
    /// # Errors
    /// A database's.
    pub async fn follow_closely(&self) -> Result<(), Fault> {
        for _ in 0..ROUNDS {
            if self.follow().await? <= FEW {
                return Ok(());
            }
        }
        tracing::warn!(
            module = self.plan.module,
            "the follower stays behind: people write faster than it can follow"
        );
        Ok(())
    }

    /// Writes the changes. What is gone goes first, children before their parents, so that no unique value is in the way of a newer row.
    async fn apply(&self, tx: &mut Tx, changes: &[Change<'_>]) -> Result<(), Fault> {
        for change in changes.iter().rev() {
            // A parent that is gone had no children left; that they are gone may stand in a later entry.
            for child in &self.layouts {
                if let Some((column, parent)) = child.table.refers
                    && parent == change.layout.table.name
                {
                    child.delete_by(tx, column, &change.gone).await?;
                }
            }
            change.layout.delete(tx, &change.gone).await?;
        }
        for change in changes {
            let rows = self.with_parents(tx, change.layout, &change.rows).await?;
            change.layout.upsert(tx, &rows, false).await?;
        }
        Ok(())
    }

    /// Those of `rows` whose parents are on the side that is written. A child without one is left out: its parent was not copied yet,
    /// so the backfill has not come to the child's table either; or both are newer than what was copied, and have entries.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn with_parents<'r>(
        &self,
        tx: &mut Tx,
        layout: &Layout,
        rows: &'r [Row],
    ) -> Result<Vec<&'r Row>, Fault> {
        let Some((column, parent)) = layout.table.refers else { return Ok(rows.iter().collect()) };
        let wanted: BTreeSet<&str> = rows.iter().filter_map(|row| layout.text(row, column)).collect();
        if wanted.is_empty() {
            return Ok(rows.iter().collect());
        }
        let sql = format!("SELECT id FROM {parent} WHERE id IN {}", placeholders(wanted.len()));
        let ask = wanted.iter().fold(Query::assembled(sql), |query, id| query.bind(*id));
        let found: Vec<(String,)> = ask.fetch_all(tx).await?;
        let found: BTreeSet<&str> = found.iter().map(|(id,)| id.as_str()).collect();
        let has_parent = |row: &&Row| layout.text(row, column).is_none_or(|id| found.contains(id));
        Ok(rows.iter().filter(has_parent).collect())
    }
}

/// What became of rows of a table.
struct Change<'m> {
    layout: &'m Layout,
    rows: Vec<Row>,
    gone: Vec<&'m str>,
}
