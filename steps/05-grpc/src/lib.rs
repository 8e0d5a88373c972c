//! Step 05: the core leaves over gRPC.
//!
//! The messages are in `step-05-api`, made from `proto`; the service in `step-05-backlog`, its client in `step-05-client`. A
//! client that has no schema and asks for it is in [`generic`].

pub mod generic;

pub use step_05_api::pieces;
