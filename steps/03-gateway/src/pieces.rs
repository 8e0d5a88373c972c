//! The pieces that are exercises: from `solutions/03-gateway`, or with a feature `mine-…` the learner's own from
//! `exercises/03-gateway`. Nothing else in this step knows which.

#[cfg(feature = "mine-03-1")]
pub use exercise_03_gateway::switch;
#[cfg(not(feature = "mine-03-1"))]
pub use solution_03_gateway::switch;

#[cfg(feature = "mine-03-2")]
pub use exercise_03_gateway::shadow;
#[cfg(not(feature = "mine-03-2"))]
pub use solution_03_gateway::shadow;
