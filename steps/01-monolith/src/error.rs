//! What a handler fails with.

use axum::response::{IntoResponse, Response};
use chassis::{Fault, Problem};

/// A failure of a handler: one that the domain names, or one that only HTTP knows.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// With the status that the fault has everywhere.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// A signature, a content type, a broken body.
    #[error("{}", .0.detail)]
    Problem(Problem),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::Fault(error.into())
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Fault(fault) => fault.into_response(),
            Self::Problem(problem) => problem.into_response(),
        }
    }
}

/// What a handler answers with.
pub type Result<T, E = Error> = std::result::Result<T, E>;
