//! A store over one of several databases: for rows that move from one to another while people work.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::{Backend, Error, Store, Tx};

/// Chooses a database for each read and each write transaction of a [`Store::switched`]. All of them are of one kind.
///
/// What two databases have to agree on is up to whoever implements it: the store only asks.
#[async_trait]
pub trait Switch: Debug + Send + Sync {
    /// Which kind of database each of them is.
    fn backend(&self) -> Backend;

    /// Where a read goes that begins now.
    ///
    /// # Errors
    /// A database's.
    async fn reads(&self) -> Result<Store, Error>;

    /// A transaction in the one that takes writes, and goes on to take them until it ends.
    ///
    /// # Errors
    /// A database's; [`Error::away`] when none takes writes for too long.
    async fn begin_write(&self) -> Result<Tx, Error>;

    /// Whether all of them answer.
    async fn is_there(&self) -> bool;

    /// Closes the connections to all of them.
    async fn close(&self);
}
