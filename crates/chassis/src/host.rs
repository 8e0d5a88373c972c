//! Which host a request is for: one, and one that can be (RFC 9112, 3.2).

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, Version, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::Problem;

/// Middleware of a server: refuses a request of HTTP/1 that names no host, several, or what is none. Whoever stands in front may
/// have chosen by another one than we would.
pub(crate) async fn check(request: Request, next: Next) -> Response {
    let wrong = match request.version() {
        // There it is a part of the target.
        Version::HTTP_2 | Version::HTTP_3 => None,
        version => wrong(request.headers(), version >= Version::HTTP_11),
    };
    match wrong {
        Some(what) => {
            let detail = format!("the request can be read in two ways: {what}");
            let problem = Problem::new(StatusCode::BAD_REQUEST, "ambiguous-request", detail);
            let close = [(header::CONNECTION, HeaderValue::from_static("close"))];
            (close, problem).into_response()
        }
        None => next.run(request).await,
    }
}

fn wrong(headers: &HeaderMap, is_needed: bool) -> Option<&'static str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => is_needed.then_some("it has no Host"),
        (Some(_), Some(_)) => Some("it has more than one Host"),
        (Some(host), None) => (!is_host(host.as_bytes())).then_some("its Host is none"),
    }
}

/// A host, perhaps with a port; nothing at all is allowed.
fn is_host(text: &[u8]) -> bool {
    text.is_empty() || Authority::try_from(text).is_ok_and(|it| !it.as_str().contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(hosts: &[&'static str]) -> Option<&'static str> {
        let header = |host: &&'static str| (header::HOST, HeaderValue::from_static(host));
        wrong(&hosts.iter().map(header).collect(), true)
    }

    #[test]
    fn one_host_that_can_be_one() {
        for host in
            ["localhost", "localhost:8080", "[::1]:80", "127.0.0.1", "a.example.", "A-b_c.example", ""]
        {
            assert_eq!(of(&[host]), None, "{host}");
        }
        for host in ["a b", "a/b", "a b/c", "u@a", "http://a", "a\\b", "a:b:c", "[::1"] {
            assert_eq!(of(&[host]), Some("its Host is none"), "{host}");
        }
        assert_eq!((of(&[]), of(&["a", "a"])), (Some("it has no Host"), Some("it has more than one Host")));
    }

    #[test]
    fn an_old_client_need_not_say() {
        assert_eq!(wrong(&HeaderMap::new(), false), None);
    }
}
