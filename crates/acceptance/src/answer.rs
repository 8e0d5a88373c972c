//! An answer of the system under test.

use std::{fmt, ops::Index};

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// Headers that a snapshot shows; the others are dates, lengths and ids.
const SHOWN: [&str; 6] = ["content-type", "etag", "location", "www-authenticate", "retry-after", "allow"];

/// What came back for a request. Index it like the JSON that it carries: `answer["items"][0]["key"]`.
#[derive(Clone)]
pub struct Answer {
    /// Method and path, for messages.
    pub(crate) request: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as JSON; `null` when it is none.
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

impl Answer {
    /// The answer itself, when it has this status.
    ///
    /// # Panics
    /// When it has another one.
    #[track_caller]
    #[must_use]
    pub fn is(self, status: u16) -> Self {
        assert!(self.status == status, "expected {status}, but {self}");
        self
    }

    /// A header's value, if it is there.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The `items` of a page.
    ///
    /// # Panics
    /// When it is no page.
    #[track_caller]
    #[must_use]
    pub fn items(&self) -> &[Value] {
        self.body["items"].as_array().unwrap_or_else(|| panic!("expected a page, but {self}"))
    }

    /// The fields that a problem names, in its order.
    #[must_use]
    pub fn fields(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().filter_map(|error| error["field"].as_str()).collect()
    }

    /// Status, telling headers and body, for [`crate::snapshot`].
    #[must_use]
    pub fn to_json(&self) -> Value {
        let headers: serde_json::Map<_, _> = SHOWN
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), Value::from(self.header(name)?))))
            .collect();
        let body = if self.body.is_null() { Value::from(self.text.as_str()) } else { self.body.clone() };
        json!({ "status": self.status, "headers": headers, "body": body })
    }
}

impl Index<&str> for Answer {
    type Output = Value;

    fn index(&self, key: &str) -> &Value {
        &self.body[key]
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String = self.text.chars().take(2_000).collect();
        write!(f, "{} answered {} {text}", self.request, self.status)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
