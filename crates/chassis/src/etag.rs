//! Optimistic concurrency: `ETag` out, `If-Match` in (RFC 9110, 8.8.3 and 13.1.1).

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{Fault, Problem};

/// A body with the version that it shows, sent as a strong `ETag`.
#[derive(Debug)]
pub struct Versioned<T> {
    /// The version.
    pub version: i64,
    /// The body.
    pub body: T,
}

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let mut response = axum::Json(self.body).into_response();
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", self.version)) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

/// The versions that the caller would change; any, when it sends no `If-Match` or `*`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IfMatch(Option<Vec<i64>>);

impl IfMatch {
    /// The versions; `None` for any.
    #[must_use]
    pub fn versions(self) -> Option<Vec<i64>> {
        self.0
    }

    /// Whether `current` may be changed.
    ///
    /// # Errors
    /// [`Fault::VersionMismatch`] when the caller named other versions.
    pub fn check(&self, current: i64) -> Result<(), Fault> {
        match &self.0 {
            Some(versions) if !versions.contains(&current) => Err(Fault::VersionMismatch { current }),
            _ => Ok(()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut lines = parts.headers.get_all(header::IF_MATCH).iter().peekable();
        if lines.peek().is_none() {
            return Ok(Self(None));
        }
        let lines: Option<Vec<&str>> = lines.map(|value| value.to_str().ok()).collect();
        lines.and_then(|lines| parse(&lines.join(","))).ok_or_else(|| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "bad-if-match",
                "If-Match takes the ETag as it was sent, quotes included",
            )
        })
    }
}

/// A weak tag, or one that is not a version, is well formed and matches nothing (strong comparison).
fn parse(value: &str) -> Option<IfMatch> {
    if value.trim() == "*" {
        return Some(IfMatch(None));
    }
    let mut versions = Vec::new();
    for tag in value.split(',').map(str::trim) {
        let strong = !tag.starts_with("W/");
        let opaque = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?;
        versions.extend(opaque.parse::<i64>().ok().filter(|_| strong));
    }
    Some(IfMatch(Some(versions)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_current_version_as_a_strong_tag_matches() {
        let matches = |value: &str| parse(value).map(|tags| tags.check(3).is_ok());
        assert_eq!(matches("\"3\""), Some(true));
        assert_eq!(matches("\"2\", \"3\""), Some(true));
        assert_eq!(matches("*"), Some(true));
        for other in ["\"2\"", "W/\"3\"", "\"\"", "\"x\""] {
            assert_eq!(matches(other), Some(false), "{other}");
        }
        for malformed in ["3", "", "\"3", "\"3\",,"] {
            assert_eq!(matches(malformed), None, "{malformed}");
        }
    }
}
