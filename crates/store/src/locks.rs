//! Locks of rows and tables, where a transaction alone is not enough. On SQLite, where [`Store::begin_write`] has locked all,
//! each of them is nothing.

use crate::{Backend, Error, Query, Store, Tx};

impl Store {
    /// What to append to a SELECT whose rows this transaction will change: a row lock.
    #[must_use]
    pub fn for_update(&self) -> &'static str {
        match self.backend() {
            Backend::Sqlite => "",
            Backend::Postgres => " FOR UPDATE",
        }
    }

    /// Keeps `table` as it is until the transaction ends: what is derived from it must not be derived from what somebody is
    /// changing. Others may lock it so too; who wants to write it waits. Take it before any other lock.
    ///
    /// # Errors
    /// The database's.
    pub async fn lock_shared(&self, tx: &mut Tx, table: &'static str) -> Result<(), Error> {
        self.lock(tx, table, "SHARE").await
    }

    /// Waits for those who hold [`Store::lock_shared`] on `table`, and makes them wait until the transaction ends: for who derives
    /// anew what they derive, without writing the table. Take it before any other lock.
    ///
    /// # Errors
    /// The database's.
    pub async fn lock_exclusive(&self, tx: &mut Tx, table: &'static str) -> Result<(), Error> {
        self.lock(tx, table, "SHARE ROW EXCLUSIVE").await
    }

    async fn lock(&self, tx: &mut Tx, table: &'static str, mode: &'static str) -> Result<(), Error> {
        if self.backend() == Backend::Postgres {
            Query::assembled(format!("LOCK TABLE {table} IN {mode} MODE")).execute(tx).await?;
        }
        Ok(())
    }
}
