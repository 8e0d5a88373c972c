//! The pieces that are exercises: from `solutions/01-monolith`, or with a feature `mine-…` the learner's own from
//! `exercises/01-monolith`. Nothing else in this step knows which.

#[cfg(feature = "mine-01-1")]
pub use exercise_01_monolith::pins;
#[cfg(not(feature = "mine-01-1"))]
pub use solution_01_monolith::pins;

#[cfg(feature = "mine-00")]
pub use exercise_01_monolith::status_weight;
#[cfg(not(feature = "mine-00"))]
pub use solution_01_monolith::status_weight;
