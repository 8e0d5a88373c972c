//! What was asked and answered.

use std::{fmt, pin::Pin};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

/// An upstream's whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its `Content-Type`.
    pub content_type: Option<String>,
    /// Its body, whole, without any transfer or content coding.
    pub body: Bytes,
}

/// A request that the first upstream has answered, offered for a comparison.
#[derive(Clone)]
pub struct Offer {
    /// How it asked.
    pub method: Method,
    /// What it asked for: path and query, as they were sent.
    pub path_and_query: String,
    /// What the second upstream has to be sent too.
    pub headers: HeaderMap,
    /// What the client gets.
    pub answer: Answer,
}

/// Without the headers, which may hold a token.
impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offer")
            .field("method", &self.method)
            .field("path_and_query", &self.path_and_query)
            .field("answer", &self.answer)
            .finish_non_exhaustive()
    }
}

/// No whole answer came from the second upstream: refused, cut off, too large, no HTTP.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unanswered(pub String);

/// An answer under way.
pub type Asking<'a> = Pin<Box<dyn Future<Output = Result<Answer, Unanswered>> + Send + 'a>>;

/// Who asks the second upstream.
pub trait Asker: Send + Sync + 'static {
    /// Asks it the same, once, and reads the whole answer. Whoever drops the future takes the request back. It has no deadline
    /// of its own.
    fn ask<'a>(&'a self, offer: &'a Offer) -> Asking<'a>;
}
