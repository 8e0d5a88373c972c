//! The bearer token that every write wants (RFC 6750).

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use subtle::ConstantTimeEq;

use crate::{Problem, process::Misconfigured};

/// A secret from the configuration: 1 to 1,024 printable ASCII characters, blanks inside allowed. Never
/// shown, compared in constant time.
#[derive(Clone)]
pub struct Secret(Arc<str>);

impl Secret {
    /// The secret itself, for the one call that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `text` is the secret, in a time that does not depend on where they differ.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl FromStr for Secret {
    type Err = String;

    /// # Errors
    /// Empty, too long, or with a blank or line end around it: pasted like that, it would match nothing.
    fn from_str(text: &str) -> Result<Self, String> {
        let printable = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if (1..=1024).contains(&text.len()) && printable && text.trim() == text {
            Ok(Self(text.into()))
        } else {
            Err("must be 1 to 1024 printable characters without blanks around them".to_owned())
        }
    }
}

/// What a write has to show: the token, or, where none is configured and the process therefore
/// listens on loopback only, that it does not come from a web page of somebody else.
pub type WriteToken = Option<Secret>;

/// Whether a process may listen at `host`: other machines reach it only with a token configured.
///
/// # Errors
/// One line, when other machines could write without a token.
pub fn may_listen(host: IpAddr, token: &WriteToken) -> Result<(), Misconfigured> {
    if token.is_some() || host.is_loopback() {
        return Ok(());
    }
    Err(Misconfigured(format!(
        "HOST is {host}, which other machines reach: set AUTOMATOR_API_TOKEN, or HOST to 127.0.0.1"
    )))
}

/// Middleware: lets reads through, and writes that show what [`WriteToken`] says; else 401 or 403.
pub async fn writes(State(token): State<WriteToken>, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    match check(token.as_ref(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) if problem.status == StatusCode::UNAUTHORIZED.as_u16() => unauthorized(problem),
        Err(problem) => problem.into_response(),
    }
}

/// Middleware: lets through what another service of ours asks, reads too; else 401. `token` is the one that our services share
/// and no client has; without one nobody is let through.
pub async fn services(State(token): State<Option<Secret>>, request: Request, next: Next) -> Response {
    if token.is_some_and(|token| shows(&token, request.headers())) {
        return next.run(request).await;
    }
    let detail = "this is for services of ours, which show Authorization: Bearer <SERVICE_TOKEN>";
    unauthorized(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail))
}

/// The answer that says how to show who one is.
fn unauthorized(problem: Problem) -> Response {
    let challenge = HeaderValue::from_static(r#"Bearer realm="automator""#);
    ([(header::WWW_AUTHENTICATE, challenge)], problem).into_response()
}

/// Middleware: where no token is configured, answers only those who call us by a loopback name. The page of a
/// foreign site whose name was made to lead to this machine (DNS rebinding) would otherwise count as our own.
pub async fn local_names(State(token): State<WriteToken>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    let named = host.or_else(|| request.uri().authority().map(axum::http::uri::Authority::as_str));
    if token.is_none() && !named.is_some_and(is_loopback_name) {
        let detail = "without AUTOMATOR_API_TOKEN, call this server localhost or 127.0.0.1";
        return Problem::new(StatusCode::FORBIDDEN, "foreign-name", detail).into_response();
    }
    next.run(request).await
}

/// Whether `host`, with or without a port, can only mean this machine.
#[must_use]
pub fn is_loopback_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost") || matches!(name, "127.0.0.1" | "[::1]")
}

/// Whether no page of another site sent the request: a browser names the origin of the page that makes it write.
pub(crate) fn is_from_own_page(headers: &HeaderMap) -> bool {
    text(headers, header::ORIGIN).is_none_or(|origin| {
        text(headers, header::HOST).is_some_and(|host| origin.ends_with(&format!("://{host}")))
    })
}

pub(crate) fn foreign_origin() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "foreign-origin", "another site's page may not write here")
}

/// A header's value; empty when it is no text.
fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

fn check(token: Option<&Secret>, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(token) = token else {
        return if is_from_own_page(headers) { Ok(()) } else { Err(foreign_origin()) };
    };
    if shows(token, headers) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "a write wants the header Authorization: Bearer <AUTOMATOR_API_TOKEN>",
    ))
}

/// Whether `headers` carry the token (RFC 6750, section 2.1).
#[must_use]
pub fn shows(token: &Secret, headers: &HeaderMap) -> bool {
    let shown = text(headers, header::AUTHORIZATION).and_then(|value| value.split_once(' '));
    shown.is_some_and(|(scheme, shown)| scheme.eq_ignore_ascii_case("bearer") && token.matches(shown.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(token: Option<&str>, headers: &[(&'static str, &'static str)]) -> Option<u16> {
        let token: WriteToken = token.map(|token| token.parse().unwrap());
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (name.parse::<header::HeaderName>().unwrap(), HeaderValue::from_static(value))
            })
            .collect();
        check(token.as_ref(), &headers).err().map(|problem| problem.status)
    }

    #[test]
    fn only_the_whole_token_opens() {
        assert_eq!(status(Some("abc"), &[("authorization", "Bearer abc")]), None);
        assert_eq!(status(Some("abc"), &[("authorization", "bearer abc")]), None);
        for wrong in ["Bearer ab", "Bearer abcd", "Bearer ", "Basic abc", "abc"] {
            let headers: HeaderMap =
                [(header::AUTHORIZATION, HeaderValue::from_static(wrong))].into_iter().collect();
            assert_eq!(check(Some(&"abc".parse().unwrap()), &headers).unwrap_err().status, 401, "{wrong}");
        }
        assert_eq!(status(Some("abc"), &[]), Some(401));
    }

    #[test]
    fn without_a_token_no_foreign_page_may_write() {
        assert_eq!(status(None, &[]), None);
        assert_eq!(status(None, &[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8080")]), None);
        assert_eq!(
            status(None, &[("host", "127.0.0.1:8080"), ("origin", "https://evil.example")]),
            Some(403)
        );
        assert_eq!(status(None, &[("host", "127.0.0.1:8080"), ("origin", "null")]), Some(403));
    }

    #[test]
    fn a_foreign_name_that_leads_here_is_not_ours() {
        for ours in ["localhost", "LocalHost:8080", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:8080"] {
            assert!(is_loopback_name(ours), "{ours}");
        }
        for foreign in
            ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil:80", "", ":"]
        {
            assert!(!is_loopback_name(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_secret_is_never_printed_and_never_has_a_line_end() {
        let secret: Secret = "hunter2".parse().unwrap();
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert!("hunter2\n".parse::<Secret>().is_err());
        assert!("".parse::<Secret>().is_err());
    }
}
