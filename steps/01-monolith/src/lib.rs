//! Step 01: Automator as a good team under pressure writes it, in one crate over one schema.
//!
//! A request comes in at [`api`] (JSON) or [`pages`] (HTML), whose handlers hold their SQL. GitHub's
//! side comes in through [`github`]: an import that asks, webhooks that tell; both end in [`sync`],
//! the one place that writes items. [`tasks`] is the one that changes tasks, and [`history`] remembers how. [`rules`] decide what
//! follows from what happened, [`notify`] sends messages; both work off rows. [`ranking`], [`waiting`] and [`measures`] hold
//! what is derived. [`app`] puts it together; `src/bin` starts it.

pub mod api;
pub mod app;
pub mod config;
pub mod error;
pub mod github;
pub mod history;
pub mod measures;
pub mod notify;
pub mod pages;
pub mod pieces;
pub mod processes;
pub mod ranking;
pub mod rules;
pub mod sync;
pub mod tasks;
pub mod waiting;

pub use error::{Error, Result};
