//! backlog as a service of its own: any backlog behind its port, at the other end of gRPC.
//!
//! A call comes in at [`server`], shows its token ([`token`]), gets the time that its caller still has, and is handed to the
//! port ([`adapter`]). Health for whoever balances is in [`health`].

mod adapter;
mod health;
pub mod server;
mod token;
