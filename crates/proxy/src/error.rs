//! Why a proxy answers in place of an upstream.

use std::io;

use http::StatusCode;

/// What a client is told when no upstream's answer can be passed on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Two servers could read the request in two ways. 400.
    #[error("the request can be read in two ways: {0}")]
    Ambiguous(&'static str),
    /// The client broke off, or sent what is no body. 400.
    #[error("the body of the request did not arrive whole")]
    Incomplete,
    /// A method that a reverse proxy does not take. 405.
    #[error("this gateway opens no tunnels")]
    Connect,
    /// A request that is to go no further (`Max-Forwards: 0`), and that a proxy has no answer to. 405.
    #[error("it may not be passed on, and this gateway does not answer it")]
    LastHop,
    /// No route. 404.
    #[error("no route leads to this path")]
    NoRoute,
    /// A longer body than the route takes. 413.
    #[error("the body is longer than the {0} bytes that this route takes")]
    TooLarge(u64),
    /// An upstream took the request, and no answer came that could be read. 502. Whether it did what it was asked is not known.
    #[error("the upstream gave no answer that can be passed on")]
    Broken(#[source] Option<hyper::Error>),
    /// Nobody listens. 503. The request was not sent.
    #[error("the upstream is not available")]
    Unreachable(#[source] io::Error),
    /// The request has come through here before. 508.
    #[error("an upstream leads back to this gateway")]
    Loop,
    /// The route's deadline has passed. 504.
    #[error("the upstream gave no answer before the route's deadline")]
    Late,
}

impl Error {
    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Ambiguous(_) | Self::Incomplete => StatusCode::BAD_REQUEST,
            Self::Connect | Self::LastHop => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken(_) => StatusCode::BAD_GATEWAY,
            Self::Unreachable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Loop => StatusCode::LOOP_DETECTED,
            Self::Late => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// Whether it is not the client that has to mend it: such a one is logged.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.status().is_server_error()
    }

    /// Whether the connection has to end with the answer: where a request was not read, nobody can say where the next one begins.
    #[must_use]
    pub fn closes(&self) -> bool {
        matches!(self, Self::Ambiguous(_) | Self::Incomplete | Self::Connect | Self::TooLarge(_))
    }
}
