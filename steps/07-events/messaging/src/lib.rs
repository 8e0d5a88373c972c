//! Messages between services that are not lost, and take effect once.
//!
//! A change and its messages commit together, as rows of the [`Outbox`] (pattern: *Transactional outbox*). The [`Relay`] publishes
//! them to the [`Feed`], in order for each subject, as often as it takes. A [`Subscription`] hands what comes out of the feed to a
//! [`Consumer`], which takes it in one transaction with a row of its inbox (pattern: *Idempotent consumer*). A message that
//! does not take effect however often it is tried is [`parked`] (pattern: *Dead letter*).
//!
//! A message is a [`Recorded`], be it a fact or a command. What is exercised lies in [`pieces`].

mod away;
pub mod consumer;
pub mod feed;
pub mod outbox;
pub mod parked;
pub mod pieces;
pub mod relay;
pub mod subscription;

pub use chassis::event::Recorded;
pub use consumer::{Consumer, Poison};
pub use feed::{Delivered, Feed, Place, Read, Reader, config::FeedConfig};
pub use outbox::Outbox;
pub use parked::router;
pub use relay::Relay;
pub use subscription::{Subscription, begin_again};

use sqlx::migrate::Migrator;

/// The name under which a service migrates these tables: `store.migrate(MODULE, migrations())`.
pub const MODULE: &str = "messaging";

/// The migrations of outbox, inbox, positions and parked messages: a service has them in its own database.
#[must_use]
pub fn migrations() -> Migrator {
    sqlx::migrate!()
}
