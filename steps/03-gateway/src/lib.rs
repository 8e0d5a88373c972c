//! Step 03: the strangler gateway (pattern: *Strangler fig*), a reverse proxy in front of what is to be replaced.
//!
//! A connection comes in at [`server`]. [`proxy`] takes a request from it: [`path`] refuses what two servers could read in
//! two ways, the [`table`] says who answers, [`headers`] says what is passed on, [`upstream`] asks, and [`body`] streams
//! both ways, with [`patience`]. [`reload`] swaps the table while all this goes on. [`shadowing`] has a second upstream asked the same, and
//! [`tunnel`] carries what is no longer HTTP. [`admin`] shows what the gateway knows. [`app`] puts it together.
//! [`faulty`] is no part of it: an upstream to try it on.

pub mod admin;
pub mod app;
pub mod body;
pub mod config;
pub mod faulty;
pub mod headers;
pub mod path;
pub mod patience;
pub mod pieces;
pub mod proxy;
pub mod refusal;
pub mod reload;
pub mod server;
pub mod shadowing;
pub mod table;
pub mod tunnel;
pub mod upstream;
