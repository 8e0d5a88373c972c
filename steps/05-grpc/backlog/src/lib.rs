//! backlog as a service of its own: any backlog behind its port, at the other end of gRPC.
//!
//! A call comes in at [`server`], shows its token ([`token`]), gets the time that its caller still has, and is handed to the
//! port ([`adapter`]). Health for whoever balances is in [`health`]. [`app`] puts the module of step 02 behind it; what that one
//! asks of others it asks over HTTP: messages of `notify`, and items and the team of the monolith ([`monolith`]).

mod adapter;
pub mod app;
pub mod config;
mod health;
mod monolith;
pub mod server;
mod token;
