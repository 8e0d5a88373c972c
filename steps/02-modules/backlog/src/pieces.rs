//! The piece that is an exercise: from `solutions/02-modules`, or with the feature `mine-02-1` the learner's own.

#[cfg(feature = "mine-02-1")]
pub(crate) use exercise_02_modules::with_items;
#[cfg(not(feature = "mine-02-1"))]
pub(crate) use solution_02_modules::with_items;
