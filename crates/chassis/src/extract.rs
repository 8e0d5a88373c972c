//! Bodies, queries and paths as typed values; whatever does not fit is a problem that names the field.

use std::convert::Infallible;

use axum::{
    body::{Bytes, HttpBody},
    extract::{FromRequest, FromRequestParts, Request, State, rejection::BytesRejection},
    http::{StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;

use crate::{Fault, Problem, held::Room};

/// A JSON body. 415 without `Content-Type: application/json`, 413 when it is too long, 400 when it is
/// not JSON, 422 naming the field when a value does not fit.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// The query string. 422 naming the parameter when a value does not fit.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// The parameters of the path. A path that cannot name anything is 404.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_of_type(&request, "application/json") {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not-json",
                "send the body with Content-Type: application/json",
            ));
        }
        let body = body(request, state).await?;
        Ok(Self(from_json(&body)?))
    }
}

/// The body of a route that takes none: whatever comes is ignored.
#[derive(Debug)]
pub struct Ignored;

impl<S: Sync> FromRequest<S> for Ignored {
    type Rejection = Infallible;

    async fn from_request(_: Request, _: &S) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

fn is_of_type(request: &Request, expected: &str) -> bool {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mime = value.and_then(|value| value.split(';').next());
    mime.is_some_and(|mime| mime.trim().eq_ignore_ascii_case(expected))
}

/// The body of a form, as browsers send it.
///
/// # Errors
/// 415 for what is no form, else as [`body`].
pub(crate) async fn form_body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    if !is_of_type(&request, "application/x-www-form-urlencoded") {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-a-form",
            "send the form with Content-Type: application/x-www-form-urlencoded",
        ));
    }
    body(request, state).await
}

/// The fields of a form as a `T`. A field that was left empty is an empty text.
///
/// # Errors
/// 422 naming the field when a value does not fit.
pub(crate) fn from_form<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let deserializer = serde_urlencoded::Deserializer::new(form_urlencoded::parse(body));
    serde_path_to_error::deserialize(deserializer)
        .map_err(|error| invalid(&error.path().to_string(), &error.inner().to_string()))
}

/// Middleware: refuses a body that announces more than the limit before it is sent. It comes together
/// with [`axum::extract::DefaultBodyLimit::max`] of the same limit, which ends a body that announces nothing.
pub async fn announced(State(limit): State<usize>, request: Request, next: Next) -> Response {
    let announced = request.body().size_hint().lower();
    if announced > limit as u64 {
        return too_large().into_response();
    }
    next.run(request).await
}

fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "the body is longer than this route takes")
}

/// The most bytes of bodies in memory at once: a quarter of what a container of ours has. While one is put together it is there
/// twice.
static BODIES: Room = Room::new(32 << 20);

/// The whole body; 413 beyond the route's limit, 400 when the connection broke, 503 when there are too many others.
///
/// # Errors
/// As above.
pub async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let (head, body) = request.into_parts();
    let (body, share) = BODIES.admit(body);
    let read = Bytes::from_request(Request::from_parts(head, body), state).await;
    let whole = read.map_err(|rejection: BytesRejection| {
        let status = rejection.into_response().status();
        if share.is_refused() {
            Problem::from(&Fault::Unavailable("room for another body".to_owned()))
        } else if status == StatusCode::PAYLOAD_TOO_LARGE {
            too_large()
        } else {
            Problem::new(StatusCode::BAD_REQUEST, "incomplete", "the body did not arrive whole")
        }
    })?;
    Ok(share.keep(whole))
}

/// `body`, an object, as a `T`.
///
/// # Errors
/// 400 when it is not JSON, 422 naming the field when a value does not fit.
pub fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // serde would take an array for a struct, field by field.
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(invalid(".", "must be an object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        use serde_json::error::Category;
        let path = error.path().to_string();
        let error = error.into_inner();
        match error.classify() {
            Category::Data => invalid(&path, &error.to_string()),
            Category::Syntax | Category::Eof | Category::Io => not_json(&error),
        }
    })?;
    deserializer.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "not-json", format!("the body is not JSON: {error}"))
}

/// A 422 for the value at `path`; serde says `.` for the whole and adds a position that helps nobody.
fn invalid(path: &str, message: &str) -> Problem {
    let message = message.split(" at line ").next().unwrap_or(message);
    // serde reports an unknown or missing field at its parent; the message quotes its name.
    let quoted = message.split('`').nth(1).filter(|_| message.contains(" field `"));
    let field = match (path, quoted) {
        (".", Some(name)) => name.to_owned(),
        (".", None) => "body".to_owned(),
        (path, Some(name)) if !path.ends_with(name) => format!("{path}.{name}"),
        (path, _) => path.to_owned(),
    };
    Problem::from(&Fault::invalid(field, message))
}

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // `a=&b=1` is how a form sends a field that was left empty: it was not asked for.
        let asked = |pair: &&str| pair.split_once('=').is_none_or(|(_, value)| !value.is_empty());
        let query: Vec<&str> = parts.uri.query().unwrap_or_default().split('&').filter(asked).collect();
        let query = query.join("&");
        from_form(query.as_bytes()).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(_) => Err(Problem::from(&Fault::NotFound(parts.uri.path().to_owned()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only its reading is tested")]
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only its reading is tested")]
        number: u8,
    }

    fn refused(body: &str) -> (u16, String) {
        let problem = from_json::<Outer>(body.as_bytes()).unwrap_err();
        (problem.status, problem.errors.first().map(|e| e.field.clone()).unwrap_or_default())
    }

    #[test]
    fn a_wrong_value_is_named_by_its_path_and_broken_json_is_not_a_wrong_value() {
        assert_eq!(refused(r#"{"inner":{"number":"x"}}"#), (422, "inner.number".into()));
        assert_eq!(refused(r#"{"inner":{"number":300}}"#), (422, "inner.number".into()));
        assert_eq!(refused(r#"{"inner":{"number":1,"more":1}}"#), (422, "inner.more".into()));
        assert_eq!(refused(r#"{"inner":{}}"#), (422, "inner.number".into()));
        assert_eq!(refused("{}"), (422, "inner".into()));
        assert_eq!(refused("[]"), (422, "body".into()));
        for broken in ["", "{", "nul", r#"{"inner":{"number":1}} x"#, "\u{0}"] {
            assert_eq!(refused(broken).0, 400, "{broken:?}");
        }
    }
}
