//! Step 01: Automator as a good team under pressure writes it, in one crate over one schema.
//!
//! A request comes in at [`api`] (JSON) or at the pages ([`source`]); handlers hold their SQL, with joins across everything. What GitHub
//! says ends in [`sync`], the one place that writes items together with their tasks; [`tasks`] is the one that changes tasks.
//! [`rules`] decide what follows from what happened, and do it. [`app`] puts it together, [`state`] is what handlers use; `src/bin` starts it.
//!
//! What Automator is whatever its architecture stands in `crates/automator`: how GitHub is asked, how a task is ranked, how a
//! message is delivered, what a page looks like.

pub mod api;
pub mod app;
pub mod config;
pub mod error;
pub mod pieces;
pub mod processes;
pub mod rules;
pub mod source;
pub mod state;
pub mod sync;
pub mod tasks;

pub use error::{Error, Result};
