//! The exercises of step 05, a module each: `cargo workshop verify` runs one of them. A failure is written for the learner:
//! what happened to a person or to data.
//!
//! Time is a clock of the tests' own. Without a feature `mine-…` the pieces are our solutions.

mod deadline;
mod status;
