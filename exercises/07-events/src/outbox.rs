//! Exercise 07.1: the event is a row.
//!
//! Somebody changes a task, and others have to hear of it. At the start the change commits, and its messages are sent a moment
//! later: a process that is killed in that moment has changed the task and told nobody, for ever. A change and its messages are in
//! different places, the database and the feed, and no transaction is over both. So let the messages be rows, in the transaction of
//! the change; a relay publishes them later, as often as it takes.
//!
//! Nobody publishes while a request waits. Messages about the same subject arrive in the order in which they were committed, also
//! with two relays. A message may be published twice; it must not be lost.
//!
//! ```text
//! tx.insert(messages).await?            rows of the outbox, with the transaction of the change
//! around.wake_relay()                   tells the relay; without, it looks twice a second
//! outbox.lease().await?                 Some(lease) of subjects that no other relay has, or None when nothing is to do
//! outbox.leased(&lease).await?          their messages, a Vec<Recorded>, each subject's in order; message.id is its id
//! feed.publish(&messages).await         Ok(()) when the feed has them; keep it as `published`
//! outbox.mark(&ids).await?              they are published; ids are a Vec<Uuid>
//! outbox.release(lease, &published).await?    ends the lease, which ends by itself after five seconds; after a failure it rests first
//! ```

use kit_07_events::{
    Fault, Recorded,
    outbox::{Around, Outbox, Publish, Transaction},
};
use uuid::Uuid;

/// In the transaction of a change, just before it commits. An error undoes the change.
///
/// # Errors
/// The database's.
pub async fn before_commit(
    tx: &mut dyn Transaction,
    around: &dyn Around,
    messages: &[Recorded],
) -> Result<(), Fault> {
    let _ = (tx, around, messages);
    Ok(())
}

/// The transaction has committed. A process that is killed before this has committed all the same.
pub fn committed(around: &dyn Around, messages: Vec<Recorded>) {
    around.publish_later(messages);
}

/// Publishes what waits in the outbox, or some of it; how many messages. It is called again at once while there are any, and again
/// in a moment when there are none or it fails. The process may be killed at each `await`; then another one begins from the start.
///
/// # Errors
/// The database's or the feed's.
pub async fn relay_once(outbox: &dyn Outbox, feed: &dyn Publish) -> Result<usize, Fault> {
    // There are no rows yet.
    let _ = (outbox, feed);
    Ok(0)
}
