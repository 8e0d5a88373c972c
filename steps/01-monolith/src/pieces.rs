//! The piece that is an exercise of this step: from `solutions/01-monolith`, or with a feature `mine-…` the learner's own from
//! `exercises/01-monolith`. Nothing else in this step knows which. That of exercise 00 stands where every step ranks,
//! in `crates/automator/backlog`.

#[cfg(feature = "mine-01-1")]
pub use exercise_01_monolith::pins;
#[cfg(not(feature = "mine-01-1"))]
pub use solution_01_monolith::pins;
