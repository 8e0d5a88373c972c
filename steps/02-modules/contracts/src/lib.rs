//! What the contexts of Automator ask of each other, and tell each other: one port each (*Ports and adapters*), its data
//! types, its events and its wishes. Nothing here knows a database, HTTP, or a module.
//!
//! A port is the whole API of its context. Whoever holds an `Arc<dyn Port>` does not know whether the module is in the same
//! process or at the other end of a wire, so nothing in a port assumes that they are near:
//!
//! - Each call has a context ([`Ctx`]) with a deadline, and ends in a value or a [`Fault`] that can cross a wire.
//! - No transaction and no row: a call begins and ends its own.
//! - Lists cross in batches: one call for fifty items, never fifty calls.
//! - A call that makes something takes the caller's idempotency key, or a key that makes it the same thing.
//!
//! Never call a port inside a transaction: the other side writes too, and on SQLite waits for your lock until it fails.

pub mod backlog;
pub mod events;
pub mod github;
pub mod insights;
pub mod notify;
pub mod team;
pub mod wishes;

pub use backlog::Backlog;
pub use chassis::{
    Ctx, Fault,
    event::{Event, Recorded},
    idempotency::{IdempotencyKey, Once},
};
pub use events::{BacklogEvent, GithubEvent, Handler, ItemFact, TeamEvent, Tell};
pub use github::{Commentable, Delivery, Github, Items, WaitingList};
pub use insights::Insights;
pub use notify::Notify;
pub use team::{Logins, Maintainers, Team};
pub use wishes::Wishes;
