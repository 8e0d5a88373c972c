//! The pieces that are exercises: from `solutions/06-own-data`, or with a feature `mine-…` the learner's own from
//! `exercises/06-own-data`. Nothing else in this step knows which.

#[cfg(feature = "mine-06-1")]
pub use exercise_06_own_data::backfill;
#[cfg(not(feature = "mine-06-1"))]
pub use solution_06_own_data::backfill;

#[cfg(feature = "mine-06-2")]
pub use exercise_06_own_data::cut_over;
#[cfg(not(feature = "mine-06-2"))]
pub use solution_06_own_data::cut_over;
