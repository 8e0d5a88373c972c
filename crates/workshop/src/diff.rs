//! `cargo workshop diff`: the learner's file against the solution, or a step against a later one.

mod piece;
mod steps;

pub(crate) use piece::diff;
pub(crate) use steps::between;
