//! What every service of step 07 has around its module: a database of its own with the tables of its messages, an outbox and its relay,
//! what it hears of the feed, and what it was asked to do elsewhere ([`errands`]).
//!
//! [`crash`] is for tests: a process that kills itself between two writes.

pub mod command;
mod config;
pub mod crash;
pub mod errands;
mod frame;
mod tables;

pub use config::MessagesConfig;
pub use errands::{Errand, Errands};
pub use frame::Frame;
pub use tables::Tables;
