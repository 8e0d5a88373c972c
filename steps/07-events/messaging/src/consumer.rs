//! Who takes messages.

use async_trait::async_trait;
use chassis::{Fault, event::Recorded};
use store::Tx;

/// Somebody who does something with messages, over the database that its inbox is in.
#[async_trait]
pub trait Consumer: Send + Sync {
    /// Its name, unique among all services: the feed keeps count by it.
    fn name(&self) -> &'static str;

    /// What it wants to be handed: contexts (`github`) and single kinds (`github.comment`). It passes over what it does not know.
    fn wants(&self) -> &'static [&'static str];

    /// What becomes of later messages about the same subject while one of them is parked.
    fn poison(&self) -> Poison {
        Poison::Waits
    }

    /// Does in `tx` what the message is for. The same transaction has the inbox row and the position; it may record messages of its
    /// own. It calls nobody.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] and [`Fault::DeadlineExceeded`] are tried again for ever, since they are not the message's. After five
    /// other ones, the message is parked.
    async fn apply(&self, tx: &mut Tx, message: &Recorded) -> Result<(), Fault>;

    /// It has committed: time to wake a worker.
    fn applied(&self) {}
}

/// What becomes of later messages about a subject while one of them is parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poison {
    /// They wait behind it. For facts: "closed" must not come before "opened", nor a newer state be overwritten by the older one.
    Waits,
    /// They go on. For messages that mean something each by itself, as commands do.
    GoesOn,
}
