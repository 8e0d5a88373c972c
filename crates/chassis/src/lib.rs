//! The microservice chassis (pattern: *Microservice chassis*): what every process needs around its
//! own code, so that a service is its own code and little else.
//!
//! Configuration that is checked before anything starts ([`config`]), logs ([`logging`]), the
//! context of a request ([`Ctx`]) and the trace it is part of ([`trace`]), failures that cross a wire without losing their meaning
//! ([`Fault`] ⇄ [`Problem`], RFC 9457), what happened ([`event`]), bodies and queries whose errors name the field ([`extract`]),
//! the bearer token on writes ([`auth`]) and the sessions of pages ([`session`]), safe repeats of a POST
//! ([`idempotency`]), health ([`health`]), what Prometheus asks for ([`metrics`]), serving and draining ([`serve`]), answers that come early ([`lingering`]),
//! and an HTTP client that never waits for ever ([`client`]). No database: see the crate `store`.

pub mod auth;
pub mod background;
pub mod client;
pub mod config;
pub mod ctx;
pub mod etag;
pub mod event;
pub mod extract;
pub mod fault;
pub mod health;
mod held;
mod host;
pub mod http;
pub mod idempotency;
pub mod lingering;
pub mod logging;
pub mod metrics;
pub mod process;
pub mod serve;
pub mod session;
pub mod trace;

pub use ctx::Ctx;
pub use fault::{Fault, Problem};
