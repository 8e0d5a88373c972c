//! From the change of a row to the feed: the outbox, and the relay that empties it.

use async_trait::async_trait;
use chassis::{Fault, event::Recorded};
use uuid::Uuid;

/// The transaction of somebody who changes something, before it commits.
#[async_trait]
pub trait Transaction: Send {
    /// Inserts the messages as rows of the outbox, with this transaction: they are there when it has committed, and never if it has
    /// not.
    ///
    /// # Errors
    /// The database's; then the transaction never happened.
    async fn insert(&mut self, messages: &[Recorded]) -> Result<(), Fault>;
}

/// What else is there beside the transaction.
#[async_trait]
pub trait Around: Send + Sync {
    /// Inserts the messages as rows of the outbox over another connection of the pool, in a transaction of their own.
    ///
    /// # Errors
    /// The database's.
    async fn insert(&self, messages: &[Recorded]) -> Result<(), Fault>;

    /// Sends the messages to the feed, and waits for its answer.
    ///
    /// # Errors
    /// The feed does not take them now.
    async fn publish(&self, messages: &[Recorded]) -> Result<(), Fault>;

    /// Sends the messages to the feed in a task of its own, and waits for nobody.
    fn publish_later(&self, messages: Vec<Recorded>);

    /// Tells the relay that there is something in the outbox. A relay that nobody tells looks twice a second.
    fn wake_relay(&self);
}

/// The rows of the outbox that have committed, as the relay has them.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Takes subjects that have messages and that no other relay has, for five seconds. `None` when there is none: nothing waits, or
    /// others have it. A relay that dies gives nothing back, and its lease ends by itself.
    ///
    /// # Errors
    /// The database's, as for all of them.
    async fn lease(&self) -> Result<Option<Lease>, Fault>;

    /// The messages of subjects that are leased: those of each subject in the order in which they were committed. At most a hundred.
    async fn leased(&self, lease: &Lease) -> Result<Vec<Recorded>, Fault>;

    /// Every message that is not marked, the lowest id first, at most a hundred; whoever has a lease on their subjects.
    async fn waiting(&self) -> Result<Vec<Recorded>, Fault>;

    /// Marks messages as published: nobody is given them again.
    async fn mark(&self, published: &[Uuid]) -> Result<(), Fault>;

    /// Gives the subjects back before the lease ends. Where `published` failed, they are put off for a moment, so that others have
    /// their turn.
    async fn release(&self, lease: Lease, published: &Result<(), Fault>) -> Result<(), Fault>;
}

/// Subjects that one relay has to itself for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Whose it is: another one for each lease.
    pub owner: Uuid,
    /// Which subjects.
    pub subjects: Vec<String>,
}

/// Where messages go.
#[async_trait]
pub trait Publish: Send + Sync {
    /// Has the feed take the messages, in this order. When it fails, it may have taken none, the first ones or all of them.
    ///
    /// # Errors
    /// The feed does not take them now; nobody knows.
    async fn publish(&self, messages: &[Recorded]) -> Result<(), Fault>;
}
