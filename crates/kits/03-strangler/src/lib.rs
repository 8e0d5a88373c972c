//! What the two pieces of step 03 are given, so that a learner writes only what a migration needs.
//!
//! [`hash`] puts people in an order that is the same in every process. An [`Offer`] is what was asked of the first upstream,
//! with its [`Answer`]; it waits in a [`Queue`] for an [`Asker`] that asks the second one. [`compare()`] tells how two answers
//! differ, and a [`Tally`] keeps count. Nothing here knows a gateway, a router or a socket.

mod answer;
mod compare;
mod hash;
mod ignore;
mod queue;
mod tally;

pub use answer::{Answer, Asker, Asking, Offer, Unanswered};
pub use compare::{Difference, compare};
pub use hash::hash;
pub use ignore::{BadPattern, Ignore};
pub use queue::{Queue, Unqueued};
pub use tally::{Counts, Finding, Tally};
// Part of what is offered, so whoever offers needs no version of their own.
pub use {bytes::Bytes, http};
