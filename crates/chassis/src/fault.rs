//! Failures, in the process ([`Fault`]) and on the wire ([`Problem`]).

use std::{error::Error, sync::Arc};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::FieldError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why a call did not do what it was asked for. Every port answers with it, in process, over HTTP
/// and over gRPC, and each variant survives the way there and back.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Fault {
    /// What was asked for is not there. 404.
    #[error("{0} not found")]
    NotFound(String),
    /// Values that we do not take, with the fields they are in. 422.
    #[error("the request has invalid fields")]
    Invalid(Vec<FieldError>),
    /// Somebody else has that name or key already. 409.
    #[error("{0} is taken")]
    Taken(String),
    /// The caller changed an older version than `current`. 412.
    #[error("the version has changed; it is {current} now")]
    VersionMismatch {
        /// The version that is stored.
        current: i64,
    },
    /// Something that we need does not answer; the same call may work later. 503.
    #[error("{0} is not available")]
    Unavailable(String),
    /// The caller's time is up. What was asked for may or may not have happened. 504.
    #[error("the deadline has passed")]
    DeadlineExceeded,
    /// Our mistake. The source goes into the log and never to the caller. 500.
    #[error("internal error")]
    Internal(#[source] Arc<dyn Error + Send + Sync>),
}

impl Fault {
    /// Our mistake, with what caused it.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(Arc::from(source.into()))
    }

    /// One field that we do not take.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(field, message)])
    }
}

/// Problem details (RFC 9457), sent as `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Which kind of problem: `urn:automator:not-found` and the like.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status again.
    pub status: u16,
    /// What was wrong this time.
    pub detail: String,
    /// The fields that were wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The stored version, when the caller knew an older one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_version: Option<i64>,
}

const KIND: &str = "urn:automator:";

/// The longest detail, in bytes: it may quote what was sent.
const LONGEST_DETAIL: usize = 1_000;

impl Problem {
    /// A problem of that kind (`not-found`, `bad-signature`, …).
    #[must_use]
    pub fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("{KIND}{kind}"),
            title: status.canonical_reason().unwrap_or("Problem").to_owned(),
            status: status.as_u16(),
            detail: domain::cut(detail.into(), LONGEST_DETAIL),
            errors: Vec::new(),
            current_version: None,
        }
    }
}

impl From<&Fault> for Problem {
    fn from(fault: &Fault) -> Self {
        let problem = |status, kind, detail: &str| Self::new(status, kind, detail);
        let detail = fault.to_string();
        match fault {
            Fault::NotFound(_) => problem(StatusCode::NOT_FOUND, "not-found", &detail),
            Fault::Invalid(errors) => {
                let mut problem = problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid", &detail);
                problem.errors = FieldError::bounded(errors.clone());
                problem
            }
            Fault::Taken(_) => problem(StatusCode::CONFLICT, "taken", &detail),
            Fault::VersionMismatch { current } => {
                let mut problem = problem(StatusCode::PRECONDITION_FAILED, "version-mismatch", &detail);
                problem.current_version = Some(*current);
                problem
            }
            Fault::Unavailable(_) => problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable", &detail),
            Fault::DeadlineExceeded => problem(StatusCode::GATEWAY_TIMEOUT, "deadline-exceeded", &detail),
            Fault::Internal(_) => problem(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "something went wrong on our side; the log has it under this request's id",
            ),
        }
    }
}

impl From<Problem> for Fault {
    /// The fault that a remote service meant. A problem of no kind we know is internal: whoever
    /// called it did something that the contract does not speak of.
    fn from(problem: Problem) -> Self {
        let subject =
            |suffix: &str| problem.detail.strip_suffix(suffix).unwrap_or(&problem.detail).to_owned();
        match problem.kind.strip_prefix(KIND) {
            Some("not-found") => Self::NotFound(subject(" not found")),
            Some("invalid") => Self::Invalid(problem.errors),
            Some("taken") => Self::Taken(subject(" is taken")),
            Some("version-mismatch") if problem.current_version.is_some() => {
                Self::VersionMismatch { current: problem.current_version.unwrap_or_default() }
            }
            Some("unavailable") => Self::Unavailable(subject(" is not available")),
            Some("deadline-exceeded") => Self::DeadlineExceeded,
            _ => Self::internal(format!(
                "remote problem {} {}: {}",
                problem.status, problem.kind, problem.detail
            )),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&self)).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// The source of a 500, kept on the response so that [`crate::http::frame`] logs it once.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub(crate) Arc<dyn Error + Send + Sync>);

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = Problem::from(&self).into_response();
        if let Self::Internal(source) = self {
            response.extensions_mut().insert(Cause(source));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_survives_the_way_over_http_and_back() {
        let faults = [
            Fault::NotFound("task 1".into()),
            Fault::Invalid(vec![FieldError::new("rice.effort", "must be above 0 and at most 100")]),
            Fault::Taken("login octocat".into()),
            Fault::VersionMismatch { current: 7 },
            Fault::Unavailable("the database".into()),
            Fault::DeadlineExceeded,
        ];
        for fault in faults {
            let wire = serde_json::to_string(&Problem::from(&fault)).unwrap();
            let back = Fault::from(serde_json::from_str::<Problem>(&wire).unwrap());
            assert_eq!(format!("{back:?}"), format!("{fault:?}"));
        }
    }

    #[test]
    fn no_answer_is_as_long_as_what_was_sent() {
        let errors = (0..5_000).map(|n| FieldError::new(format!("then[{n}]"), "x".repeat(5_000))).collect();
        for fault in
            [Fault::Invalid(errors), Fault::NotFound("x".repeat(1 << 20)), Fault::Taken("é".repeat(1 << 20))]
        {
            let length = serde_json::to_string(&Problem::from(&fault)).unwrap().len();
            assert!(length < 8 << 10, "{length}");
        }
    }

    #[test]
    fn an_internal_fault_tells_the_caller_nothing_of_its_source() {
        let fault = Fault::internal("password=hunter2 at SELECT 1");
        let problem = Problem::from(&fault);
        assert_eq!(problem.status, 500);
        assert!(!serde_json::to_string(&problem).unwrap().contains("hunter2"));
        assert!(matches!(Fault::from(problem), Fault::Internal(_)));
    }
}
