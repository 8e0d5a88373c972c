//! Step 02: the modular monolith. One process still, and six crates that know each other only by the ports in
//! `step-02-contracts`.
//!
//! This crate is the composition root, the one place that knows every module: [`app`] makes them, gives each the ports
//! that it asks, and merges their routes. `step-02-bus` carries what they tell each other; `step-02-composition` opens their databases
//! and brings over what step 01 wrote. [`stops`] are two stops on the way here.

pub mod app;
pub mod config;
pub mod processes;
pub mod stops;
