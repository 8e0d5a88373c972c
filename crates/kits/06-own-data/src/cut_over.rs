//! What a cut-over is made of.

use async_trait::async_trait;
use chassis::Fault;

/// One of the two databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The one that the service shares with others.
    Old,
    /// Its own.
    New,
}

/// What people say after they have worked on the new database for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It stays so: what is old may go.
    Keep,
    /// Back to the old one.
    Back,
}

/// How a cut-over ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The new database is the only one.
    Moved,
    /// People work on the old one, because they wanted so.
    Back,
    /// People work on the old one, because so many rows differed.
    Differs(u64),
}

/// The operations. Each may be called again, by a mover that was killed and started anew: what was done is not done twice. Before
/// the order begins again, a side that a killed mover left closed is open again: the one that took the last write. Once people are
/// back by their wish, or the old side is dropped, it does not begin again.
#[async_trait]
pub trait Operations: Send + Sync {
    /// Which side takes writes; while both are fenced, the one that took the last.
    ///
    /// # Errors
    /// A database's, as for all of them.
    async fn writes(&self) -> Result<Side, Fault>;

    /// From now on each write to the side that takes writes is noted in its transaction, and a follower applies it to the other
    /// side, a moment later and in order.
    async fn mirror(&self) -> Result<(), Fault>;

    /// Copies every row of the old side that is not on the new one, beside the mirror (exercise 06.1). Only for a side on which
    /// nobody works yet: a row that people have deleted there would come back.
    async fn backfill(&self) -> Result<(), Fault>;

    /// How many rows differ between the sides, once the follower has passed them. While people write, it takes its time and looks
    /// at every row; behind a fence it compares the count and the sum of versions of each table, which takes milliseconds.
    async fn compare(&self) -> Result<u64, Fault>;

    /// No side takes writes from now on: writers wait. Returns when the follower has applied all that was noted.
    async fn fence(&self) -> Result<(), Fault>;

    /// Has everybody read `side` from now on.
    async fn read_from(&self, side: Side) -> Result<(), Fault>;

    /// Lets writers write to `side`, and only there, and ends the fence. The mirror runs from there to the other side from now on.
    async fn write_to(&self, side: Side) -> Result<(), Fault>;

    /// Waits until people have decided; once they have, it says the same at once. The way back is open until then.
    async fn soak(&self) -> Result<Decision, Fault>;

    /// Drops what the old side has. There is no way back.
    async fn drop_old(&self) -> Result<(), Fault>;
}
