//! The details of a failure (`google.rpc`, AIP-193). A status alone is a code and a sentence; programs read the details.

use std::collections::HashMap;

use domain::FieldError;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

/// Who gives the reasons of our failures their meaning.
const DOMAIN: &str = "automator";

/// A status of `INVALID_ARGUMENT` with the fields that it is about (`google.rpc.BadRequest`).
#[must_use]
pub fn with_fields(message: impl Into<String>, errors: &[FieldError]) -> Status {
    let violation = |error: &FieldError| FieldViolation::new(&error.field, &error.message);
    let mut details = ErrorDetails::new();
    details.set_bad_request(errors.iter().map(violation).collect::<Vec<_>>());
    Status::with_error_details(Code::InvalidArgument, message, details)
}

/// The fields that a status is about; none where it does not say.
#[must_use]
pub fn fields(status: &Status) -> Vec<FieldError> {
    let found = status.get_details_bad_request().map(|details| details.field_violations).unwrap_or_default();
    found.into_iter().map(|found| FieldError::new(found.field, found.description)).collect()
}

/// A status that says one thing more than its code: `key` is `value` (`google.rpc.ErrorInfo`).
#[must_use]
pub fn with_info(code: Code, message: impl Into<String>, key: &str, value: &str) -> Status {
    let more = HashMap::from([(key.to_owned(), value.to_owned())]);
    Status::with_error_details(code, message, ErrorDetails::with_error_info(reason(code), DOMAIN, more))
}

/// What a status says of `key`; `None` where it does not.
#[must_use]
pub fn info(status: &Status, key: &str) -> Option<String> {
    let mut info = status.get_details_error_info().filter(|info| info.domain == DOMAIN)?;
    info.metadata.remove(key)
}

/// Why, in one word: constant, so that a program can decide by it.
fn reason(code: Code) -> &'static str {
    match code {
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "TAKEN",
        Code::Aborted => "VERSION_MISMATCH",
        Code::Unavailable => "UNAVAILABLE",
        _ => "OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_read_again_and_nothing_else() {
        let errors =
            [FieldError::new("rice.effort", "must be above 0"), FieldError::new("then[0]", "is unknown")];
        let invalid = with_fields("no", &errors);
        assert_eq!((fields(&invalid), info(&invalid, "subject")), (errors.to_vec(), None));
        let missing = with_info(Code::NotFound, "no", "subject", "task 1");
        assert_eq!((fields(&missing), info(&missing, "subject")), (vec![], Some("task 1".to_owned())));
        assert_eq!((info(&missing, "object"), info(&Status::not_found("no"), "subject")), (None, None));
    }
}
