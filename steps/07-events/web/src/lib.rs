//! What is left of the monolith: pages and digests, and the team in the same process.
//!
//! It has the addresses of members, so whatever members are told goes through here: as an errand ([`messages`]), to notify. It answers the
//! routes of tasks and rules over the client of step 05, and refuses for backlog whom only the team knows not to be a member
//! ([`assignees`]).

pub mod app;
mod assignees;
pub mod config;
mod consumer;
mod messages;
mod ports;
