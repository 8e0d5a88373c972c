//! The pieces that are exercises: from `solutions/07-events`, or with a feature `mine-…` the learner's own from
//! `exercises/07-events`. Nothing else in this step knows which.

#[cfg(feature = "mine-07-1")]
pub use exercise_07_events::outbox;
#[cfg(not(feature = "mine-07-1"))]
pub use solution_07_events::outbox;

#[cfg(feature = "mine-07-2")]
pub use exercise_07_events::inbox;
#[cfg(not(feature = "mine-07-2"))]
pub use solution_07_events::inbox;
