//! One table, page by page, from the old database to the new one.

use async_trait::async_trait;
use chassis::Fault;
use store::Value;

/// The most rows of a page, and so the most that are in memory.
pub const PAGE: u32 = 500;

/// A row as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its primary key, which orders the table.
    pub id: String,
    /// Counts its changes: of two states of a row the higher one is newer.
    pub version: i64,
    /// The other columns, in the order of the table.
    pub columns: Vec<Value>,
}

/// The table in the old database, which people go on changing.
#[async_trait]
pub trait Source: Send + Sync {
    /// The first `limit` rows whose id comes after `after`, by id; from the beginning for `None`. It waits by itself when the live
    /// system has become slow.
    ///
    /// # Errors
    /// The database's; [`Fault::Invalid`] for more than [`PAGE`].
    async fn page(&self, after: Option<&str>, limit: u32) -> Result<Vec<Row>, Fault>;
}

/// The table in the new database, which the mirror writes to meanwhile.
#[async_trait]
pub trait Target: Send + Sync {
    /// How far an earlier run came: the last id of its last whole page.
    ///
    /// # Errors
    /// The database's.
    async fn checkpoint(&self) -> Result<Option<String>, Fault>;

    /// Begins a transaction. Dropped without [`Writing::commit`], it never happened.
    ///
    /// # Errors
    /// The database's.
    async fn begin(&self) -> Result<Box<dyn Writing>, Fault>;
}

/// A transaction in the new database.
#[async_trait]
pub trait Writing: Send {
    /// Inserts the rows, or replaces those that are there in an older version; the number of rows that it changed.
    ///
    /// # Errors
    /// The database's.
    async fn upsert_if_newer(&mut self, rows: &[Row]) -> Result<u64, Fault>;

    /// Inserts or replaces the rows, whatever is there.
    ///
    /// # Errors
    /// The database's.
    async fn upsert(&mut self, rows: &[Row]) -> Result<u64, Fault>;

    /// Writes down that everything up to and with `id` is there.
    ///
    /// # Errors
    /// The database's.
    async fn set_checkpoint(&mut self, id: &str) -> Result<(), Fault>;

    /// Makes it last.
    ///
    /// # Errors
    /// The database's; then it may or may not have happened.
    async fn commit(self: Box<Self>) -> Result<(), Fault>;
}
