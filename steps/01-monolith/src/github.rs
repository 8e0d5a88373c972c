//! GitHub's side of Automator: the client that asks, the import that reads everything, the webhooks
//! that tell what changed.

pub mod client;
pub mod import;
pub mod webhook;
