//! What GitHub says, as a service of its own: the module of step 02 behind HTTP, with what it tells in an outbox.
//!
//! Clients and GitHub find the routes that they always had. Other services ask [`internal`] for one thing; what they want said on an item
//! they send as a command, and the comment is an errand ([`comments`]).

pub mod app;
mod comments;
pub mod config;
mod consumer;
pub mod internal;
