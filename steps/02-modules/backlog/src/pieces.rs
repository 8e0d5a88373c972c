//! The pieces that are exercises: from `solutions/02-modules`, or with a feature `mine-…` the learner's own from
//! `exercises/02-modules`. Nothing else in this step knows which.

#[cfg(feature = "mine-02-2")]
pub use exercise_02_modules::react;
#[cfg(not(feature = "mine-02-2"))]
pub use solution_02_modules::react;

#[cfg(feature = "mine-02-1")]
pub use exercise_02_modules::with_items;
#[cfg(not(feature = "mine-02-1"))]
pub use solution_02_modules::with_items;
