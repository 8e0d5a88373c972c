//! The piece that is an exercise: from `solutions/04-first-service`, or with a feature `mine-…` the learner's own from
//! `exercises/04-first-service`. Nothing else in this step knows which.

#[cfg(feature = "mine-04-1")]
pub use exercise_04_first_service::http_notify;
#[cfg(not(feature = "mine-04-1"))]
pub use solution_04_first_service::http_notify;
