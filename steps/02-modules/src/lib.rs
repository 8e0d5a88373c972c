//! Step 02: the modular monolith. One process still, and six crates that know each other only by the ports in
//! `step-02-contracts`.
//!
//! This crate is the composition root, the one place that knows every module: [`app`] makes them, gives each the ports
//! that it asks, and merges their routes; [`bus`] carries what they tell each other; [`stores`] opens their databases;
//! [`take_over`] brings over what step 01 wrote. [`states`] are two stops on the way here.

pub mod app;
pub mod config;
pub mod processes;
pub mod states;
pub mod stores;
pub mod take_over;

pub use step_02_bus as bus;
