//! The pieces that are exercises: from `solutions/05-grpc`, or with a feature `mine-…` the learner's own from
//! `exercises/05-grpc`. Nothing else in this step knows which.

#[cfg(feature = "mine-05-2")]
pub use exercise_05_grpc::deadline;
#[cfg(not(feature = "mine-05-2"))]
pub use solution_05_grpc::deadline;

#[cfg(feature = "mine-05-1")]
pub use exercise_05_grpc::status;
#[cfg(not(feature = "mine-05-1"))]
pub use solution_05_grpc::status;
