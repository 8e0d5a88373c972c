//! From the feed to an effect that happens once.

use async_trait::async_trait;
use chassis::{Fault, event::Recorded};
use uuid::Uuid;

/// Somebody who does something with each message, over a database of their own.
#[async_trait]
pub trait Consumer: Send + Sync {
    /// Its name. A service may have several consumers; they share the table `inbox`.
    fn name(&self) -> &str;

    /// Begins a transaction. Dropped without [`Transaction::commit`], it never happened.
    ///
    /// # Errors
    /// The database's.
    async fn begin(&self) -> Result<Box<dyn Transaction>, Fault>;
}

/// A transaction in the consumer's database.
#[async_trait]
pub trait Transaction: Send {
    /// Inserts the row (consumer, message id) into the inbox, unless it is there; whether it was inserted. When another transaction
    /// has inserted it and not committed yet, this waits for how that one ends.
    ///
    /// # Errors
    /// The database's, as for all of them.
    async fn insert_once(&mut self, consumer: &str, message: Uuid) -> Result<bool, Fault>;

    /// Whether the row is there.
    async fn is_there(&mut self, consumer: &str, message: Uuid) -> Result<bool, Fault>;

    /// Inserts the row; [`Fault::Taken`] when it is there.
    async fn insert(&mut self, consumer: &str, message: Uuid) -> Result<(), Fault>;

    /// Does what the consumer does with the message, in this transaction.
    async fn apply(&mut self, message: &Recorded) -> Result<(), Fault>;

    /// Makes it last.
    async fn commit(self: Box<Self>) -> Result<(), Fault>;
}

/// A message that the feed has handed over. It hands it over again, and again, until it is acknowledged.
#[async_trait]
pub trait Delivery: Send + Sync {
    /// The message. Its id is the same each time.
    fn message(&self) -> &Recorded;

    /// Tells the feed that this consumer is done with it, for good.
    ///
    /// # Errors
    /// The feed is away.
    async fn acknowledge(&self) -> Result<(), Fault>;
}
