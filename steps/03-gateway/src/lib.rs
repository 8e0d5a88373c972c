//! Step 03: the strangler gateway (pattern: *Strangler fig*), a reverse proxy in front of what is to be replaced.
//!
//! The plumbing is in the crate `proxy`. What is here decides: [`gateway`] takes a request, the [`table`] says who answers, and
//! [`context`] what the upstream is told of ours: an id, a trace, how long it has. [`reload`] swaps the table while all this
//! goes on. [`shadowing`] has a second upstream asked the same, with a copy of what is [`download`]ed. [`admin`] shows what the
//! gateway knows. [`app`] puts it together.

pub mod admin;
pub mod app;
pub mod config;
pub mod context;
pub mod download;
pub mod gateway;
pub mod pieces;
pub mod reload;
pub mod shadowing;
pub mod table;
