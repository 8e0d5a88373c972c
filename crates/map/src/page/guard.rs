//! Who may use the page: whoever knows the token in its address, from the page itself.
//!
//! Any page in the same browser can send requests to loopback, and a name that its owner lets point to 127.0.0.1 (DNS rebinding) makes
//! them look like that page's own. So the host has to be the one that we gave out, what changes something has to come from our page, and
//! nothing is said to whoever does not have the token.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use subtle::ConstantTimeEq;

/// What the browser may load and run: what we serve, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the address has.
#[derive(Clone)]
pub(super) struct Key {
    /// Of 128 random bits.
    pub(super) token: String,
    /// The port that we listen on.
    pub(super) port: u16,
}

impl Key {
    /// # Errors
    /// The operating system has no random numbers.
    pub(super) fn new(port: u16) -> Result<Self, getrandom::Error> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        Ok(Self { token: hex::encode(random), port })
    }

    /// Where the page is.
    pub(super) fn address(&self) -> String {
        format!("http://127.0.0.1:{}/{}/", self.port, self.token)
    }

    fn is_host(&self, host: &str) -> bool {
        ["127.0.0.1", "localhost"].iter().any(|name| host == format!("{name}:{}", self.port))
    }

    /// Why a request is refused.
    fn refuses(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Option<(StatusCode, &'static str)> {
        let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or_default());
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok()).unwrap_or_default();
        if hosts.next().is_some() || !self.is_host(host) {
            return Some((StatusCode::MISDIRECTED_REQUEST, "this page is at 127.0.0.1 only\n"));
        }
        let has_token = path
            .strip_prefix('/')
            .and_then(|path| path.split('/').next())
            .is_some_and(|token| token.as_bytes().ct_eq(self.token.as_bytes()).into());
        if !has_token {
            let said = "the address of the map has a token: take the one that cargo workshop run prints\n";
            return Some((StatusCode::FORBIDDEN, said));
        }
        let is_ours = |origin: &str| origin == format!("http://{host}");
        let is_foreign = match text(header::ORIGIN) {
            Some(origin) => !is_ours(origin),
            // A browser sends it with all that may change something.
            None => !matches!(*method, Method::GET | Method::HEAD),
        };
        // Somebody typed the address, or our page asks; browsers tell since 2023.
        let is_cross = text(header::HeaderName::from_static("sec-fetch-site"))
            .is_some_and(|site| !["same-origin", "none"].contains(&site));
        (is_foreign || is_cross).then_some((StatusCode::FORBIDDEN, "another page cannot use this one\n"))
    }
}

/// Middleware: lets through who may come, and tells the browser what it may do with the answer.
pub(super) async fn check(State(key): State<Key>, request: Request, next: Next) -> Response {
    let refused = key.refuses(request.method(), request.uri().path(), request.headers());
    let mut response = match refused {
        Some(refused) => refused.into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(method: &Method, path: &str, headers: &[(&'static str, &'static str)]) -> u16 {
        let key = Key { token: "secret".to_owned(), port: 8070 };
        let headers = headers
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        key.refuses(method, path, &headers).map_or(200, |(status, _)| status.as_u16())
    }

    #[test]
    fn only_the_page_itself_gets_in() {
        let here = ("host", "127.0.0.1:8070");
        let ours = ("origin", "http://127.0.0.1:8070");
        assert_eq!(status(&Method::GET, "/secret/", &[here]), 200);
        assert_eq!(status(&Method::GET, "/secret/", &[("host", "localhost:8070")]), 200);
        assert_eq!(status(&Method::POST, "/secret/do", &[here, ours]), 200);
        assert_eq!(
            status(&Method::POST, "/secret/do", &[here, ours, ("sec-fetch-site", "same-origin")]),
            200
        );

        for path in ["/", "/secre/", "/secrets/", "//secret/", "/x/secret/"] {
            assert_eq!(status(&Method::GET, path, &[here]), 403, "{path}");
        }
        for host in [
            "evil.example",
            "127.0.0.1",
            "127.0.0.1:8071",
            "evil.example:8070",
            "127.0.0.1:8070.evil.example",
            "",
        ] {
            assert_eq!(status(&Method::GET, "/secret/", &[("host", host)]), 421, "{host}");
        }
        assert_eq!(status(&Method::GET, "/secret/", &[]), 421);
        assert_eq!(status(&Method::POST, "/secret/do", &[here]), 403, "no origin");
        for origin in [
            "null",
            "http://evil.example",
            "http://127.0.0.1:8080",
            "https://127.0.0.1:8070",
            "http://localhost:8070",
        ] {
            assert_eq!(status(&Method::POST, "/secret/do", &[here, ("origin", origin)]), 403, "{origin}");
            assert_eq!(status(&Method::GET, "/secret/events", &[here, ("origin", origin)]), 403, "{origin}");
        }
        for site in ["cross-site", "same-site"] {
            assert_eq!(
                status(&Method::GET, "/secret/events", &[here, ("sec-fetch-site", site)]),
                403,
                "{site}"
            );
        }
    }
}
