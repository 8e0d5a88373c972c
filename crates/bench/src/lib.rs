//! Measures the real processes of a step over HTTP, as `cargo bench --workspace --bench bench_NN`.
//!
//! Requests a second say little about another machine, and not much about the same one an hour later. So each server is
//! measured beside one that gives exactly the same answers from memory ([`Memory`]), taking turns: once in the frame that all
//! our processes have, and once as a bare handler of axum. The first ratio says what the database costs and what we make of its
//! rows, the second adds what the frame costs. The CPU of a request is the process's and the database's together.
//!
//! A bench is a target with `harness = false` whose `main` is [`main`]. Nothing here passes or fails by a time.

pub mod backlog;
mod catalogue;
mod comparison;
mod connection;
mod figures;
mod options;
mod process;
mod replay;
mod table;
mod turns;
mod visit;

pub use comparison::Comparison;
pub use connection::Connection;
pub use figures::{beside, spread, together};
pub use options::{Options, main};
pub use process::{Footprint, cpu_time, footprint};
pub use replay::{Frame, Memory, Recording};
pub use table::number;
pub use turns::{Measured, Target, at_rate, take_turns};
pub use visit::Visit;
