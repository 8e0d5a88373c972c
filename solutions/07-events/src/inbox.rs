//! Exercise 07.2: five deliveries, one effect.
//!
//! The feed hands a message over until somebody says that it is done with it. So a message comes again whenever a process is killed
//! at the wrong moment, an acknowledgement is lost, or a relay has published twice; and it may come to two processes at once. At the
//! start each delivery takes effect: five deliveries of "task 7 is Mona's" are five mails to Mona.
//!
//! A delivery that has nothing to do any more is no failure: whoever fails is handed the message again.
//!
//! ```text
//! delivery.message()                             the message; its `id` is the same each time
//! consumer.begin().await?                        a transaction; dropped, it never happened
//! tx.insert_once(consumer.name(), id).await?     true: the row (consumer, id) of the inbox is new; false: it was there. It waits
//!                                                for a transaction that has just written the same row
//! tx.apply(message).await?                       the effect, in the transaction
//! tx.commit().await?                             makes it last
//! delivery.acknowledge().await                   this consumer is never handed this message again
//! ```

use kit_07_events::{
    Fault,
    inbox::{Consumer, Delivery},
};

/// Has `consumer` take what the feed hands over. The process may be killed at each `await`; then the feed hands it over again.
///
/// # Errors
/// The consumer's, the database's or the feed's. Then the feed hands it over again, and after five failures that are the message's
/// it is parked.
pub async fn deliver(consumer: &dyn Consumer, delivery: &dyn Delivery) -> Result<(), Fault> {
    // begin 07.2
    let message = delivery.message();
    let mut tx = consumer.begin().await?;
    if tx.insert_once(consumer.name(), message.id).await? {
        tx.apply(message).await?;
    }
    tx.commit().await?;
    delivery.acknowledge().await
    //| let mut tx = consumer.begin().await?;
    //| tx.apply(delivery.message()).await?;
    //| tx.commit().await?;
    //| delivery.acknowledge().await
    // end 07.2
}
