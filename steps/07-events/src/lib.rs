//! Step 07: events that cannot be lost.

pub use step_07_messaging::pieces;
