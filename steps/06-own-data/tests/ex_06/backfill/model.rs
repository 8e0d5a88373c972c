//! Two databases in memory with a table each, and a mirror between them: quick enough to be stopped everywhere.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use kit_06_own_data::{
    Fault,
    backfill::{Row, Source, Target, Writing},
};
use store::Value;

/// Both.
#[derive(Clone, Default)]
pub(super) struct Model(Arc<Mutex<Tables>>);

#[derive(Default)]
struct Tables {
    old: BTreeMap<String, Row>,
    new: BTreeMap<String, Row>,
    checkpoint: Option<String>,
    /// Deleted from the old one, and noted: the mirror does not delete a row while a page with it may be under way.
    deleted: Vec<String>,
}

/// The id of a task.
pub(super) fn id(number: usize) -> String {
    format!("task-{number:04}")
}

/// A task in a state.
pub(super) fn task(number: usize, version: i64) -> Row {
    let status = if version == 1 { "intake" } else { "done" };
    Row { id: id(number), version, columns: vec![Value::from(status), Value::from(Some(version * 10))] }
}

impl Model {
    /// Tasks 1 to `tasks`, none of them copied.
    pub(super) fn new(tasks: usize) -> Self {
        let model = Self::default();
        model.tables().old = (1..=tasks).map(|number| (id(number), task(number, 1))).collect();
        model
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody stores a task, and the mirror brings it.
    pub(super) fn stores(&self, row: &Row) {
        let mut tables = self.tables();
        tables.old.insert(row.id.clone(), row.clone());
        tables.new.insert(row.id.clone(), row.clone());
    }

    /// Somebody deletes a task, and the mirror notes it.
    pub(super) fn deletes(&self, id: &str) {
        let mut tables = self.tables();
        tables.old.remove(id);
        tables.deleted.push(id.to_owned());
    }

    /// The mirror has brought all that it has noted.
    pub(super) fn all_is_brought(&self) {
        self.tables().mirror();
    }

    /// How many tasks are not in the new database, or other than in the old one, and the first of them; `None` where all is equal.
    pub(super) fn differ(&self) -> Option<(usize, String)> {
        let tables = self.tables();
        let ids = tables.old.keys().chain(tables.new.keys());
        let mut differing: Vec<_> =
            ids.filter(|id| tables.old.get(*id) != tables.new.get(*id)).cloned().collect();
        differing.sort();
        differing.dedup();
        differing.first().map(|first| (differing.len(), first.clone()))
    }

    /// A task as the new database has it.
    pub(super) fn copy_of(&self, id: &str) -> Option<Row> {
        self.tables().new.get(id).cloned()
    }
}

impl Tables {
    fn mirror(&mut self) {
        for id in std::mem::take(&mut self.deleted) {
            self.new.remove(&id);
        }
    }
}

#[async_trait]
impl Source for Model {
    async fn page(&self, after: Option<&str>, limit: u32) -> Result<Vec<Row>, Fault> {
        let mut tables = self.tables();
        tables.mirror();
        let begins = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rest = tables.old.range::<str, _>((begins, Bound::Unbounded));
        Ok(rest.take(limit as usize).map(|(_, row)| row.clone()).collect())
    }
}

#[async_trait]
impl Target for Model {
    async fn checkpoint(&self) -> Result<Option<String>, Fault> {
        Ok(self.tables().checkpoint.clone())
    }

    async fn begin(&self) -> Result<Box<dyn Writing>, Fault> {
        Ok(Box::new(Transaction { model: self.clone(), writes: Vec::new(), checkpoint: None }))
    }
}

/// What is written when it commits.
struct Transaction {
    model: Model,
    /// Each row, and whether it replaces older ones only.
    writes: Vec<(Row, bool)>,
    checkpoint: Option<String>,
}

impl Transaction {
    fn upserts(&mut self, rows: &[Row], if_newer: bool) -> u64 {
        let tables = self.model.tables();
        let changed = rows.iter().filter(|row| !if_newer || tables.takes(row)).count();
        drop(tables);
        self.writes.extend(rows.iter().map(|row| (row.clone(), if_newer)));
        changed as u64
    }
}

impl Tables {
    fn takes(&self, row: &Row) -> bool {
        self.new.get(&row.id).is_none_or(|there| there.version < row.version)
    }
}

#[async_trait]
impl Writing for Transaction {
    async fn upsert_if_newer(&mut self, rows: &[Row]) -> Result<u64, Fault> {
        Ok(self.upserts(rows, true))
    }

    async fn upsert(&mut self, rows: &[Row]) -> Result<u64, Fault> {
        Ok(self.upserts(rows, false))
    }

    async fn set_checkpoint(&mut self, id: &str) -> Result<(), Fault> {
        self.checkpoint = Some(id.to_owned());
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<(), Fault> {
        let mut tables = self.model.tables();
        for (row, if_newer) in self.writes {
            if !if_newer || tables.takes(&row) {
                tables.new.insert(row.id.clone(), row);
            }
        }
        if self.checkpoint.is_some() {
            tables.checkpoint = self.checkpoint;
        }
        Ok(())
    }
}
