//! The fence of a module: a row in each of the two databases.
//!
//! `writes` says whether this side takes writes of the module. A writer reads it in the transaction of its write, and keeps it as it is
//! until it has committed: on PostgreSQL by `FOR SHARE`, on SQLite by the write lock that it has anyhow. To close a side is to change
//! the row, which waits for those writers. So nobody writes behind a fence, and there is no moment at which both sides take writes.
//!
//! `reads` counts on the old side only: 1 says that people read there. `opened` counts the openings of both sides: the side that was
//! opened last has the rows that count. `epoch` is the number of the mover, a fencing token: each new one takes a higher number, and
//! the one before it changes nothing any more, even when it was only asleep.

use chassis::Fault;
use sqlx::FromRow;
use store::{Backend, Error, Query, Store, Tx, query};

use crate::TakenOver;

/// The row.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct Fence {
    /// Whether this side takes writes: 0 or 1.
    pub writes: i64,
    /// Whether people read here: 0 or 1. Counts on the old side only.
    pub reads: i64,
    /// The number of the mover.
    pub epoch: i64,
    /// Of two sides the one with the higher number was opened last.
    pub opened: i64,
    /// When it was closed, epoch ms; 0 for never.
    pub closed_at: i64,
}

/// How the row is at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// Takes writes and is read: the old side.
    Open,
    /// Takes no writes: the new side.
    Closed,
}

/// Makes the row of `module`, unless there is one.
///
/// # Errors
/// The database's.
pub async fn prepare(store: &Store, module: &str, first: First) -> Result<(), Error> {
    let mut tx = store.begin_write().await?;
    one_at_a_time(store, &mut tx).await?;
    query(
        "CREATE TABLE IF NOT EXISTS move_fence (module TEXT PRIMARY KEY, writes BIGINT NOT NULL, reads BIGINT NOT NULL, \
         mover BIGINT NOT NULL, epoch BIGINT NOT NULL, opened BIGINT NOT NULL, closed_at BIGINT NOT NULL)",
    )
    .execute(&mut tx)
    .await?;
    query("INSERT INTO move_fence VALUES ($1, $2, $2, 0, 0, $2, 0) ON CONFLICT DO NOTHING")
        .bind(module)
        .bind(i64::from(first == First::Open))
        .execute(&mut tx)
        .await?;
    tx.commit().await
}

/// Two processes that make the same table at once get in each other's way on PostgreSQL, `IF NOT EXISTS` or not.
pub(crate) async fn one_at_a_time(store: &Store, tx: &mut Tx) -> Result<(), Error> {
    if store.backend() == Backend::Postgres {
        query("SELECT pg_advisory_xact_lock(606)").execute(tx).await?;
    }
    Ok(())
}

/// The row as it is.
///
/// # Errors
/// The database's; there is none, because nobody has called [`prepare`].
pub async fn read(store: &Store, module: &str) -> Result<Fence, Error> {
    let sql = "SELECT writes, reads, epoch, opened, closed_at FROM move_fence WHERE module = $1";
    query(sql).bind(module).fetch_one(store).await
}

/// A transaction on this side that may write rows of `module`, until it ends; `None` when the side is closed.
///
/// # Errors
/// As [`read`].
pub async fn enter(store: &Store, module: &str) -> Result<Option<Tx>, Error> {
    let mut tx = store.begin_write().await?;
    let share = match store.backend() {
        Backend::Sqlite => "",
        Backend::Postgres => " FOR SHARE",
    };
    let sql = format!("SELECT writes FROM move_fence WHERE module = $1{share}");
    let (writes,): (i64,) = Query::assembled(sql).bind(module).fetch_one(&mut tx).await?;
    Ok((writes == 1).then_some(tx))
}

/// The hand of a mover on the fence of one side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hand<'m> {
    pub(crate) store: &'m Store,
    pub(crate) module: &'static str,
    pub(crate) epoch: i64,
}

impl Hand<'_> {
    /// Takes the fence from the mover before, and waits for the end of what that one is writing.
    pub(crate) async fn take(self) -> Result<(), Fault> {
        let sql = "UPDATE move_fence SET epoch = $2 WHERE module = $1 AND epoch < $2";
        self.alone(query(sql).bind(self.module).bind(self.epoch)).await
    }

    /// Closes the side, and waits for those who are writing.
    pub(crate) async fn close(self) -> Result<(), Fault> {
        let sql = "UPDATE move_fence SET writes = 0, closed_at = $3 WHERE module = $1 AND epoch = $2 AND writes = 1";
        self.alone(query(sql).bind(self.module).bind(self.epoch).bind(store::now())).await
    }

    /// Changes a row that writers share. Those who come meanwhile wait behind it: on PostgreSQL shared row locks alone would let them
    /// pass it, one after the other, for as long as people write.
    async fn alone(self, change: Query) -> Result<(), Fault> {
        let mut tx = self.store.begin_write().await?;
        if self.store.backend() == Backend::Postgres {
            query("LOCK TABLE move_fence IN EXCLUSIVE MODE").execute(&mut tx).await?;
        }
        self.changed(change.execute(&mut tx).await?)?;
        Ok(tx.commit().await?)
    }

    /// Opens the side.
    pub(crate) async fn open(self, opened: i64) -> Result<(), Fault> {
        let sql = "UPDATE move_fence SET writes = 1, opened = $3 WHERE module = $1 AND epoch = $2";
        let open = query(sql).bind(self.module).bind(self.epoch).bind(opened);
        self.changed(open.execute(self.store).await?)
    }

    /// Says whether people read here.
    pub(crate) async fn set_reads(self, reads: bool) -> Result<(), Fault> {
        let sql = "UPDATE move_fence SET reads = $3 WHERE module = $1 AND epoch = $2";
        let set = query(sql).bind(self.module).bind(self.epoch).bind(i64::from(reads));
        self.changed(set.execute(self.store).await?)
    }

    /// A transaction in which the mover may write, though the side is closed: nobody else sees the mark, since it is gone before the
    /// end. Which rows are written in it, the mirror does not note.
    pub(crate) async fn begin(self) -> Result<Tx, Fault> {
        let mut tx = self.store.begin_write().await?;
        let sql = "UPDATE move_fence SET mover = 1 WHERE module = $1 AND epoch = $2";
        self.changed(query(sql).bind(self.module).bind(self.epoch).execute(&mut tx).await?)?;
        Ok(tx)
    }

    /// Ends one of [`Hand::begin`].
    pub(crate) async fn commit(self, mut tx: Tx) -> Result<(), Fault> {
        let sql = "UPDATE move_fence SET mover = 0 WHERE module = $1";
        query(sql).bind(self.module).execute(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    fn changed(self, rows: u64) -> Result<(), Fault> {
        if rows == 1 { Ok(()) } else { Err(Fault::internal(TakenOver(self.module))) }
    }
}
