//! The bearer token that every write wants (RFC 6750).

pub(crate) mod tries;

use std::{
    fmt,
    net::IpAddr,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::UNIX_EPOCH,
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use subtle::ConstantTimeEq;

use crate::{Problem, process::Misconfigured};
use tries::Tries;

/// The shortest secret, in characters: what is shorter is a slip or a placeholder.
const SHORTEST: usize = 5;

/// The shortest token of a process that other machines reach, in characters: whoever reaches it can try.
const SHORTEST_OUTSIDE: usize = 8;

/// The shortest token of services at a process that other machines reach, in characters. Tries of it are not counted: services come
/// from addresses that they share, so one with an old token would keep the others out. It is long instead, which costs nobody
/// anything: no person types it.
const SHORTEST_OF_SERVICES: usize = 16;

/// A secret from the configuration: 5 to 1,024 printable ASCII characters, blanks inside allowed. Never
/// shown, compared in constant time. Its clones know together who has tried it.
#[derive(Clone)]
pub struct Secret {
    text: Arc<str>,
    tries: Arc<Mutex<Tries>>,
}

impl Secret {
    /// The secret itself, for the one call that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Whether `text` is the secret, in a time that does not depend on where they differ.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.text.as_bytes().ct_eq(text.as_bytes()).into()
    }

    /// Who has shown a wrong one in its place.
    pub(crate) fn tries(&self) -> MutexGuard<'_, Tries> {
        // A panic in between leaves counts that are as good as before.
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// Too short, too long, or with a blank or line end around it: pasted like that, it would match nothing.
    fn from_str(text: &str) -> Result<Self, String> {
        let printable = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if (SHORTEST..=1024).contains(&text.len()) && printable && text.trim() == text {
            Ok(Self { text: text.into(), tries: Arc::default() })
        } else {
            Err(format!("must be {SHORTEST} to 1024 printable characters without blanks around them"))
        }
    }
}

/// What a write has to show: the token, or, where none is configured and the process therefore
/// listens on loopback only, that it does not come from a web page of somebody else.
pub type WriteToken = Option<Secret>;

/// Whether a process may listen at `host`: other machines reach it only with a token configured, and one that is not guessed.
///
/// # Errors
/// One line, when other machines could write without a token, or by trying short ones.
pub fn may_listen(host: IpAddr, token: &WriteToken) -> Result<(), Misconfigured> {
    if host.is_loopback() {
        return Ok(());
    }
    if let Some(token) = token {
        if token.expose().len() >= SHORTEST_OUTSIDE {
            return Ok(());
        }
        return Err(Misconfigured(format!(
            "HOST is {host}, which other machines reach: AUTOMATOR_API_TOKEN must have at least {SHORTEST_OUTSIDE} characters"
        )));
    }
    Err(Misconfigured(format!(
        "HOST is {host}, which other machines reach: set AUTOMATOR_API_TOKEN, or HOST to 127.0.0.1"
    )))
}

/// Whether a process may listen at `host` for services of ours that show this `token`.
///
/// # Errors
/// One line, when other machines could try short ones.
pub fn services_may_ask(host: IpAddr, token: Option<&Secret>) -> Result<(), Misconfigured> {
    if host.is_loopback() || token.is_none_or(|token| token.expose().len() >= SHORTEST_OF_SERVICES) {
        return Ok(());
    }
    Err(Misconfigured(format!(
        "HOST is {host}, which other machines reach: SERVICE_TOKEN must have at least {SHORTEST_OF_SERVICES} characters"
    )))
}

/// Middleware: lets reads through, and writes that show what [`WriteToken`] says; else 401 or 403. Whoever has shown 60 wrong
/// tokens in a minute is not listened to for the rest of it: 429.
pub async fn writes(State(token): State<WriteToken>, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    match refusal(token.as_ref(), &request) {
        None => next.run(request).await,
        Some(refused) => refused,
    }
}

/// Why a write may not pass, as the answer that says so.
fn refusal(token: Option<&Secret>, request: &Request) -> Option<Response> {
    let headers = request.headers();
    let Some(token) = token else {
        return (!is_from_own_page(headers)).then(|| foreign_origin().into_response());
    };
    match shown_by(&tries::client(request), token, headers) {
        Ok(true) => None,
        Ok(false) => {
            let detail = "a write wants the header Authorization: Bearer <AUTOMATOR_API_TOKEN>";
            Some(unauthorized(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)))
        }
        Err(wait) => Some(*wait),
    }
}

/// Whether `client`, an address, shows the token.
///
/// # Errors
/// It has shown too many wrong ones: the answer that says for how long nobody listens.
pub fn shown_by(client: &str, token: &Secret, headers: &HeaderMap) -> Result<bool, Box<Response>> {
    let now = UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
    if let Some(seconds) = token.tries().refuses(client, now) {
        return Err(Box::new(tries::wait(seconds)));
    }
    let is_shown = shows(token, headers);
    // Whoever shows nothing tries nothing.
    if !is_shown && headers.contains_key(header::AUTHORIZATION) {
        token.tries().failed(client, now);
    }
    Ok(is_shown)
}

/// Middleware: lets through what another service of ours asks, reads too; else 401. `token` is the one that our
/// services share and no client has; without one nobody is let through.
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

/// By which names a process may be called. The page of a foreign site whose name was made to lead to this process
/// (DNS rebinding) would otherwise read as one of our own.
#[derive(Debug, Clone)]
pub struct Names {
    is_open: bool,
    allowed: Arc<[String]>,
}

impl Names {
    /// Without a token, loopback names only. With one, the `allowed` names and those that nobody far away gives out
    /// ([`is_near_name`]): probes ask an address, neighbours a name of the cluster. Any name at all where none is allowed by name,
    /// because a process does not know by which names a proxy in front of it is called.
    #[must_use]
    pub fn new(token: &WriteToken, allowed: &[String]) -> Self {
        let names = allowed.iter().map(|name| plain(name.trim())).filter(|name| !name.is_empty());
        Self { is_open: token.is_some(), allowed: names.collect() }
    }

    /// Why somebody who calls us `host` is not answered.
    fn refuses(&self, host: Option<&str>) -> Option<Problem> {
        if !self.is_open {
            let detail = "without AUTOMATOR_API_TOKEN, call this server localhost or 127.0.0.1";
            let is_ours = host.is_some_and(is_loopback_name);
            return (!is_ours).then(|| Problem::new(StatusCode::FORBIDDEN, "foreign-name", detail));
        }
        let is_allowed = |name: &str| is_near_name(name) || self.allowed.contains(&plain(name));
        if self.allowed.is_empty() || host.map(without_port).is_some_and(is_allowed) {
            return None;
        }
        let detail = "this server is not called so; ALLOWED_HOSTS has its names";
        Some(Problem::new(StatusCode::MISDIRECTED_REQUEST, "foreign-name", detail))
    }
}

/// A name as it is compared: the case says nothing, and neither does the dot of the root.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// Middleware: answers only those who call us by one of our [`Names`]; others get 403 where no token is configured, and 421
/// (RFC 9110, 15.5.20) where one is.
pub async fn own_names(State(names): State<Names>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    let host = host.or_else(|| request.uri().authority().map(axum::http::uri::Authority::as_str));
    match names.refuses(host) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}

/// Whether `host`, with or without a port, can only mean this machine.
#[must_use]
pub fn is_loopback_name(host: &str) -> bool {
    let name = without_port(host);
    name.eq_ignore_ascii_case("localhost") || matches!(name, "127.0.0.1" | "[::1]")
}

/// Middleware for what is steered from this machine or from processes near by, and never by a page: refuses what
/// another site's page sends, and whoever calls us by a name that anybody could have made lead here (DNS rebinding).
pub async fn near_only(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !is_from_own_page(headers)
        || text(headers, SEC_FETCH_SITE).is_some_and(|site| !matches!(site, "same-origin" | "none"))
    {
        return foreign_origin().into_response();
    }
    let host = text(headers, header::HOST)
        .or_else(|| request.uri().authority().map(axum::http::uri::Authority::as_str));
    if !host.is_some_and(|host| is_near_name(without_port(host))) {
        let detail = "call this server localhost, by its address, or by a name without dots";
        return Problem::new(StatusCode::FORBIDDEN, "foreign-name", detail).into_response();
    }
    next.run(request).await
}

/// What a browser says about whose page sends a request.
const SEC_FETCH_SITE: header::HeaderName = header::HeaderName::from_static("sec-fetch-site");

/// Whether `name`, without a port, is one that nobody far away can give out: an address, or a name of this machine,
/// of a container beside us or of a service in our cluster.
#[must_use]
pub fn is_near_name(name: &str) -> bool {
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    address.parse::<IpAddr>().is_ok()
        || (!name.is_empty() && !name.contains(['.', ':']))
        || name.ends_with(".svc")
        || name.ends_with(".svc.cluster.local")
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
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
        let request =
            headers.iter().fold(Request::post("/"), |request, (name, value)| request.header(*name, *value));
        let request = request.body(axum::body::Body::empty()).unwrap();
        refusal(token.as_ref(), &request).map(|answer| answer.status().as_u16())
    }

    #[test]
    fn only_the_whole_token_opens() {
        assert_eq!(status(Some("abcdef"), &[("authorization", "Bearer abcdef")]), None);
        assert_eq!(status(Some("abcdef"), &[("authorization", "bearer abcdef")]), None);
        for wrong in ["Bearer abcde", "Bearer abcdefg", "Bearer ", "Basic abcdef", "abcdef"] {
            assert_eq!(status(Some("abcdef"), &[("authorization", wrong)]), Some(401), "{wrong}");
        }
        assert_eq!(status(Some("abcdef"), &[]), Some(401));
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
    fn whoever_shows_wrong_tokens_is_not_listened_to_and_others_are() {
        let token: Secret = "abcdef".parse().unwrap();
        let status = |from: &str, shown: Option<&str>| {
            let mut request = Request::post("/").header("x-forwarded-for", from);
            if let Some(shown) = shown {
                request = request.header("authorization", format!("Bearer {shown}"));
            }
            let refused = refusal(Some(&token.clone()), &request.body(axum::body::Body::empty()).unwrap());
            refused.map(|answer| (answer.status().as_u16(), answer.headers().contains_key("retry-after")))
        };
        for _ in 0..100 {
            assert_eq!(status("192.0.2.1", None), Some((401, false)), "who shows none does not try");
        }
        for _ in 0..tries::MOST_SHOWN {
            assert_eq!(status("192.0.2.1", Some("wrong")), Some((401, false)));
        }
        for shown in ["wrong", "abcdef"] {
            assert_eq!(status("192.0.2.1", Some(shown)), Some((429, true)), "the answer says which is right");
        }
        assert_eq!(status("192.0.2.2", Some("abcdef")), None);
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
    fn with_a_token_names_count_where_some_are_configured() {
        let token: WriteToken = Some("abcdef".parse().unwrap());
        let status = |names: &Names, host: &str| names.refuses(Some(host)).map(|problem| problem.status);
        let ours = Names::new(&token, &[" Automator.example ".to_owned(), String::new()]);
        let near =
            ["localhost", "127.0.0.1:8080", "[::1]:8080", "10.1.2.3", "monolith:8080", "notify.workshop.svc"];
        for host in near.into_iter().chain(["automator.example", "AUTOMATOR.example.:8443"]) {
            assert_eq!(status(&ours, host), None, "{host}");
        }
        for host in ["evil.example", "automator.example.evil.example", "x.automator.example", ""] {
            assert_eq!(status(&ours, host), Some(421), "{host}");
        }
        assert_eq!(ours.refuses(None).map(|problem| problem.status), Some(421));
        assert_eq!(status(&Names::new(&token, &[]), "any.example"), None, "nobody has said which");
        let without = Names::new(&None, &["automator.example".to_owned()]);
        assert_eq!(status(&without, "automator.example"), Some(403));
        assert_eq!(status(&without, "localhost:8080"), None);
    }

    #[test]
    fn a_secret_is_never_printed_and_never_has_a_line_end() {
        let secret: Secret = "hunter2".parse().unwrap();
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert!("hunter2\n".parse::<Secret>().is_err());
        assert!("".parse::<Secret>().is_err());
    }

    #[test]
    fn a_token_that_is_soon_guessed_is_refused() {
        let outside: IpAddr = [0, 0, 0, 0].into();
        let inside: IpAddr = [127, 0, 0, 1].into();
        for short in ["x", "abcd"] {
            assert!(short.parse::<Secret>().is_err(), "{short}");
        }
        let token = |text: &str| Some(text.parse::<Secret>().unwrap());
        assert!(may_listen(outside, &None).is_err());
        assert!(may_listen(outside, &token("abcdefg")).unwrap_err().0.contains("at least 8"));
        assert!(may_listen(outside, &token("abcdefgh")).is_ok());
        assert!(may_listen(inside, &None).is_ok() && may_listen(inside, &token("abcde")).is_ok());
        let services = |host, text: &str| services_may_ask(host, token(text).as_ref());
        assert!(
            services(outside, "abcdefghijklmno")
                .unwrap_err()
                .0
                .contains("SERVICE_TOKEN must have at least 16")
        );
        assert!(services(outside, "abcdefghijklmnop").is_ok() && services(inside, "abcde").is_ok());
        assert!(services_may_ask(outside, None).is_ok(), "nobody is let in");
    }

    #[test]
    fn a_near_name_is_one_that_nobody_far_away_gives_out() {
        for near in [
            "localhost",
            "127.0.0.1",
            "[::1]",
            "172.17.0.1",
            "simulators",
            "simulators.workshop.svc",
            "x.y.svc.cluster.local",
        ] {
            assert!(is_near_name(near), "{near}");
        }
        for far in ["evil.example", "127.0.0.1.evil.example", "localhost.evil", "", ".", "svc.evil.example"] {
            assert!(!is_near_name(far), "{far}");
        }
    }
}
