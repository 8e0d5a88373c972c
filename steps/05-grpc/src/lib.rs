//! Step 05: the core leaves over gRPC.
//!
//! The messages are in `step-05-api`, made from `proto`; the service in `step-05-backlog`, its client in `step-05-client`. What
//! is left is step 04's monolith with that client in its hands ([`app`]), and three routes for what the service asks back
//! (`step-05-internal`).

pub mod app;
pub mod config;
pub mod processes;

pub use step_05_api::pieces;
