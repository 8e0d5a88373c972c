//! What the exercises of step 07 are given: rows, leases and a feed for the outbox and its relay ([`outbox`]), a transaction and a
//! delivery for the inbox ([`inbox`]). Step 07 has them over real databases, the tests over models too.

pub mod inbox;
pub mod outbox;

pub use chassis::{Fault, event::Recorded};
