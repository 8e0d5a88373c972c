//! The plumbing of a reverse proxy for HTTP/1.1, as RFC 9110 and 9112 want it. Who answers what, and what clients are told, is for
//! whoever uses it: the gateway of step 03, and the harness, whose proxy is a bad network on purpose.
//!
//! A connection comes in at [`server`], with a [`write_timeout`]. [`headers`] and [`path`] refuse what two servers could read in
//! two ways, and say what is passed on, [`hop_by_hop`] what is not, [`via`] whether it goes round in circles. An [`upstream`] is asked, over connections that are kept;
//! [`body`] streams both ways, within a [`budget`]; [`tunnel`] carries what is no longer HTTP. [`Error`] is why no upstream's answer is passed on.

pub mod body;
pub mod budget;
mod error;
pub mod headers;
mod heard;
pub mod hop_by_hop;
pub mod path;
pub mod server;
pub mod tunnel;
pub mod upstream;
pub mod via;
pub mod write_timeout;

pub use error::Error;
