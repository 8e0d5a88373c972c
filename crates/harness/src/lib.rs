//! Starts a step's processes, breaks them on request, and ends every one of them.
//!
//! `steps/NN-…/system.toml` says which processes a step has ([`definition`]). [`System::start`] spawns them in order and
//! waits until each answers its health check; the acceptance suite, `cargo workshop run` and the fault drills all go
//! through here, so a scenario runs against the same processes that a person sees.
//!
//! Nothing outlives its [`System`]: dropping it stops the children, the last started first. Should the runner itself be
//! killed, each child sees its standard input close and stops by itself (`STOP_WITH_STDIN=1`, obeyed by the chassis).
//!
//! The core is synchronous and small. Feature `proxy` adds an HTTP proxy that delays, cuts and rewrites answers, and a wire
//! that does so without knowing what passes.

mod child;
pub mod definition;
mod error;
mod health;
pub mod http;
pub mod live;
mod log;
mod manual;
mod options;
pub mod ports;
#[cfg(feature = "proxy")]
pub mod proxy;
mod stop;
mod system;
mod template;
#[cfg(feature = "proxy")]
pub mod wire;

#[cfg(feature = "proxy")]
pub use self::proxy::{Fault, Proxy};
pub use definition::Definition;
pub use error::{Error, Result};
pub use log::Logs;
pub use manual::Manual;
pub use options::{INHERITED, Options, Part, Ports};
pub use stop::Stop;
pub use system::{Ended, System};
#[cfg(feature = "proxy")]
pub use wire::{Trouble, Wire};
