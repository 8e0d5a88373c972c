//! Exercise 02.1: one batched call instead of a join.
//!
//! A page of the backlog shows fifty tasks, and each task its item. In step 01 that was a JOIN. Items are github's now, so
//! backlog has to ask. At the start it asks once a task. Ask once a page, for each item once; for no task ask nothing. A
//! task whose item github does not know is left out and counted.
//!
//! ```text
//! github.items(ctx, &[key]).await?      HashMap<ItemKey, Item>: the items of these keys; unknown keys are missing
//! items.get(&row.key)                   Option<&Item>
//! row.about(item)                       the Task that the page shows; wants the item, so clone() it
//! Stitched { tasks, without_item }      the answer: tasks in the order of `rows`, and how many were left out
//! cargo workshop verify 02.1            does it work?
//! ```

use std::collections::BTreeSet;

use domain::{Item, ItemKey, Login, Rice, Status, Task};
use jiff::{Timestamp, civil::Date};
use step_02_contracts::{Ctx, Fault, Items};
use uuid::Uuid;

/// A task as backlog has it: everything but its item.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRow {
    /// UUIDv5 of the key.
    pub id: Uuid,
    /// The item that it is about.
    pub key: ItemKey,
    /// When the item was opened.
    pub opened_at: Timestamp,
    /// Where it stands.
    pub status: Status,
    /// Who does it.
    pub assignee: Option<Login>,
    /// The day by which it is due.
    pub due_date: Option<Date>,
    /// What ranks it.
    pub rice: Rice,
    /// Its score today.
    pub score: f64,
    /// Its place among all open tasks, from 1; `None` when it is done.
    pub rank: Option<i64>,
    /// Counts its changes.
    pub version: i64,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl TaskRow {
    /// The task with the item that it is about.
    #[must_use]
    pub fn about(self, item: Item) -> Task {
        let Self { id, status, assignee, due_date, rice, score, rank, version, updated_at, .. } = self;
        Task { id, item, status, assignee, due_date, rice, score, rank, version, updated_at }
    }
}

/// Tasks with their items.
#[derive(Debug, Default, PartialEq)]
pub struct Stitched {
    /// In the order of the rows.
    pub tasks: Vec<Task>,
    /// How many were left out, because github does not know their item.
    pub without_item: usize,
}

/// Gives each row its item.
///
/// # Errors
/// What github fails with.
pub async fn with_items(ctx: &Ctx, rows: Vec<TaskRow>, github: &dyn Items) -> Result<Stitched, Fault> {
    let mut stitched = Stitched::default();
    for row in rows {
        let mut found = github.items(ctx, std::slice::from_ref(&row.key)).await?;
        match found.remove(&row.key) {
            Some(item) => stitched.tasks.push(row.about(item)),
            None => stitched.without_item += 1,
        }
    }
    Ok(stitched)
}
