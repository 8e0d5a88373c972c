//! Safe repeats of a POST: the `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header-07).
//!
//! This is its side towards HTTP: the key of a request ([`Keyed`]) and an answer that can be given twice
//! ([`Answer`]). Key and answer are kept with the effect, in one transaction: see `store::idempotency`.

use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::{
    IntoParams,
    openapi::{
        Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{ObjectBuilder, Type},
    },
};

use crate::{Fault, Problem, extract};

/// Name of the header, in and in problems.
const KEY: &str = "Idempotency-Key";

/// Name of the header that marks an answer which was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The longest key that we take, in characters.
const LONGEST: usize = 255;

/// The key that a client gave its request, and what the request was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// 1 to 255 visible ASCII characters, as they were sent.
    pub key: String,
    /// Method and path: the same key on another route is another key.
    pub route: String,
    /// SHA-256 of the body in hex: tells a repeat from another request under the same key.
    pub fingerprint: String,
}

impl IdempotencyKey {
    /// The key of a request; `None` when it has none.
    ///
    /// # Errors
    /// [`Fault::Invalid`] naming the header: more than one, empty, too long, not visible ASCII.
    fn of_request(
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Option<Self>, Fault> {
        let mut values = headers.get_all(KEY).iter();
        let Some(value) = values.next() else { return Ok(None) };
        let key = value.to_str().ok().filter(|key| {
            (1..=LONGEST).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
        });
        match (key, values.next()) {
            (Some(key), None) => Ok(Some(Self {
                key: key.to_owned(),
                route: format!("{method} {path}"),
                fingerprint: hex::encode(Sha256::digest(body)),
            })),
            _ => {
                let message = format!("must be one key of 1 to {LONGEST} visible ASCII characters");
                Err(Fault::invalid(KEY, message))
            }
        }
    }

    /// The fault of a request under a key that was another request's.
    #[must_use]
    pub fn reused() -> Fault {
        Fault::invalid(KEY, "was sent before with another body: a new request wants a new key")
    }
}

/// The header in the OpenAPI document of a route that takes it: `params(IdempotencyKey)`.
impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text =
            ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(LONGEST));
        let header = ParameterBuilder::new()
            .name(KEY)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "Makes a repeat safe: it answers the first result, with `Idempotent-Replayed: true`, and does nothing \
                 again. Visible ASCII, one for each request; another body under the same key is refused. Only \
                 success is kept, for seven days.",
            ))
            .schema(Some(text));
        vec![header.build()]
    }
}

/// The key of a request, if it has one, and its body as the extractor `B` reads it:
/// `Keyed(key, Json(member)): Keyed<Json<NewMember>>`.
#[derive(Debug)]
pub struct Keyed<B>(pub Option<IdempotencyKey>, pub B);

impl<S: Send + Sync, B: FromRequest<S>> FromRequest<S> for Keyed<B> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let whole = Request::from_parts(parts.clone(), body);
        let bytes = extract::body(whole, state).await.map_err(Problem::into_response)?;
        let key = IdempotencyKey::of_request(&parts.method, parts.uri.path(), &parts.headers, &bytes)
            .map_err(Fault::into_response)?;
        let request = Request::from_parts(parts, Body::from(bytes));
        let body = B::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        Ok(Self(key, body))
    }
}

/// What a request under a key came to, this time or the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once<T> {
    /// What it made.
    pub value: T,
    /// Whether an earlier request under the key made it.
    pub replayed: bool,
}

impl<T: Serialize> Once<T> {
    /// The answer of HTTP to it.
    ///
    /// # Errors
    /// [`Fault::Internal`] when it has no JSON form.
    pub fn answer(&self, status: StatusCode) -> Result<Answer, Fault> {
        Ok(Answer { replayed: self.replayed, ..Answer::json(status, &self.value)? })
    }
}

/// An answer in JSON that can be kept and given again, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status, one of success.
    pub status: u16,
    /// The resource that was made.
    pub location: Option<String>,
    /// The version of what the body shows.
    pub etag: Option<String>,
    /// The body, as it is sent.
    pub body: String,
    /// Whether it was given before.
    pub replayed: bool,
}

impl Answer {
    /// `body` in JSON.
    ///
    /// # Errors
    /// [`Fault::Internal`] when it has no JSON form.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Result<Self, Fault> {
        let body = serde_json::to_string(body).map_err(Fault::internal)?;
        Ok(Self { status: status.as_u16(), location: None, etag: None, body, replayed: false })
    }

    /// The same, about the resource at `location`.
    #[must_use]
    pub fn at(self, location: impl Into<String>) -> Self {
        Self { location: Some(location.into()), ..self }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let ours = [(header::LOCATION, self.location), (header::ETAG, self.etag)];
        for (name, text) in ours {
            if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
                headers.insert(name, value);
            }
        }
        if self.replayed {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;

    use super::*;

    async fn key(path: &str, keys: &[&[u8]], body: &'static str) -> Result<Option<IdempotencyKey>, u16> {
        let mut request = Request::post(path);
        for key in keys {
            request = request.header(KEY, HeaderValue::from_bytes(key).unwrap());
        }
        let request = request.body(Body::from(body)).unwrap();
        match Keyed::<Bytes>::from_request(request, &()).await {
            Ok(Keyed(key, read)) => {
                assert_eq!(read, body, "the body is still there for its extractor");
                Ok(key)
            }
            Err(response) => Err(response.status().as_u16()),
        }
    }

    #[tokio::test]
    async fn a_key_is_visible_and_bounded() {
        let longest = [b'k'; LONGEST];
        for good in [b"k".as_slice(), b"\"8e03978e\"", &longest] {
            let key = key("/x", &[good], "").await.unwrap().unwrap();
            assert_eq!(key.key.as_bytes(), good);
        }
        let too_long = [b'k'; LONGEST + 1];
        for bad in [b"".as_slice(), b"a b", b"\xc3\xa9", b"a\tb", &too_long] {
            assert_eq!(key("/x", &[bad], "").await, Err(422), "{bad:?}");
        }
        assert_eq!(key("/x", &[b"a", b"b"], "").await, Err(422), "which of the two would it be?");
        assert_eq!(key("/x", &[], "").await, Ok(None));
    }

    #[tokio::test]
    async fn a_request_is_told_from_another_by_route_and_body() {
        let of = async |path, body| key(path, &[b"k"], body).await.unwrap().unwrap();
        assert_eq!(of("/x?q=1", "a").await, of("/x", "a").await);
        assert_ne!(of("/x", "a").await.fingerprint, of("/x", "b").await.fingerprint);
        assert_ne!(of("/x", "a").await.route, of("/y", "a").await.route);
    }
}
