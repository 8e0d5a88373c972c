//! One code for SQLite and PostgreSQL, over sqlx's drivers for them.
//!
//! `DATABASE_URL` chooses. A statement is one SQL text with its values beside it ([`query`], [`Sql`]); it runs on whichever driver
//! the [`Store`] has, and its rows are read into plain structs. The rules that make one text right on both: columns are BIGINT,
//! TEXT and DOUBLE PRECISION; flags are 0 or 1; times are epoch milliseconds; ids are made by us. Where the order of text counts,
//! its type is `binary_text`, which [`Store::migrate`] makes known: PostgreSQL would otherwise sort by the rules of its locale,
//! SQLite never does.
//!
//! Writes go through a transaction ([`Tx`]), where more than one statement belongs together. On top of that stand what workers
//! need ([`lease`], [`queue`], [`retry`]) and what routes need ([`cursor`], [`idempotency`]).
//!
//! A store may also be over one of several databases ([`Switch`]), for rows that move while people work. Nobody who reads and writes
//! notices, and a store over one database pays nothing for it.

mod condition;
pub mod config;
pub mod cursor;
mod error;
pub mod idempotency;
mod lacks;
pub mod lease;
mod locks;
mod pool;
mod query;
pub mod queue;
mod readiness;
pub mod retry;
mod switch;
pub mod time;
mod tx;
mod url;

pub use error::{Error, OnConstraint};
pub use lacks::lacks;
pub use pool::{OpenError, Store, migrate};
pub use query::{On, Query, Row, Sql, Value, query};
pub use switch::Switch;
pub use time::now;
pub use tx::{Recorder, Tx};
pub use url::{Backend, DatabaseUrl};
