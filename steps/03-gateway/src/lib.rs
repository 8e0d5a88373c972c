//! Step 03: The strangler gateway.

pub mod pieces;
