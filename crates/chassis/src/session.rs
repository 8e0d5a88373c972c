//! Sessions of web pages: a write from a page shows a cookie and a CSRF token where the API wants the bearer token.
//!
//! Nothing is stored, so every process with the same `AUTOMATOR_API_TOKEN` knows the sessions of the others. The
//! cookie is `expiry.nonce.mac`, the CSRF token a second MAC over the nonce; both are HMAC-SHA256 (RFC 2104) under
//! keys that are derived from the token, one for each purpose. Without a token, where the process listens on loopback
//! only, nobody signs in: every visitor gets a session under keys that live as long as the process, and the cookie
//! with the form's token is the signed double submit that keeps other sites from writing.
//!
//! Signing out ends a session for good: its nonce is remembered until it would have expired. That, and who tried a
//! wrong token how often, is kept in the memory of one process; another one with the same token, and the same one
//! after a restart, does not know of it. A cookie that was stolen from somebody who then signed out opens those for
//! the rest of its twelve hours. Whoever cannot live with that changes the token, which ends every session.
//!
//! [`attach`] around the pages' routes makes a [`Visitor`] of each request; a handler that takes [`SignedForm`] has
//! checked everything before its first line.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::{FromRef, FromRequest, FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::Response,
};
use cookie::{Cookie, SameSite};
use hmac::{Hmac, KeyInit, Mac};
use serde::de::DeserializeOwned;
use sha2::Sha256;

use crate::{
    Problem,
    auth::{self, WriteToken, tries},
    extract,
};

/// Name of the cookie.
pub const COOKIE: &str = "automator_session";

/// Name of the form field that carries the CSRF token.
pub const CSRF_FIELD: &str = "csrf";

/// How long a session lasts.
const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// Makes and checks sessions.
#[derive(Debug, Clone)]
pub struct Sessions {
    cookie: Key,
    csrf: Key,
    token: WriteToken,
    /// Sessions that were ended, by nonce, and when each would have expired, epoch seconds.
    ended: Arc<Mutex<HashMap<String, u64>>>,
}

impl Sessions {
    /// Sessions under keys made from the token, or, where none is configured, from chance.
    ///
    /// # Errors
    /// The operating system gives no random numbers.
    pub fn new(token: &WriteToken) -> Result<Self, getrandom::Error> {
        let secret = match token {
            Some(token) => Cow::Borrowed(token.expose().as_bytes()),
            None => Cow::Owned(random::<32>()?.to_vec()),
        };
        Ok(Self {
            cookie: Key::derived(&secret, "automator session cookie v1"),
            csrf: Key::derived(&secret, "automator session csrf v1"),
            token: token.clone(),
            ended: Arc::default(),
        })
    }

    /// A session for whoever shows the token; `None` for a wrong one.
    ///
    /// # Errors
    /// The operating system gives no random numbers.
    pub fn sign_in(&self, shown: &str) -> Result<Option<Session>, getrandom::Error> {
        match &self.token {
            Some(token) if token.matches(shown) => Session::starting(now()).map(Some),
            _ => Ok(None),
        }
    }

    /// The cookie that makes the browser remember `session`.
    #[must_use]
    pub fn cookie(&self, session: &Session, headers: &HeaderMap) -> HeaderValue {
        set_cookie(self.value(session), LIFETIME, headers)
    }

    /// The cookie that makes the browser forget its session.
    #[must_use]
    pub fn no_cookie(headers: &HeaderMap) -> HeaderValue {
        set_cookie(String::new(), Duration::ZERO, headers)
    }

    /// Whether pages ask for the token before they let anybody write.
    #[must_use]
    pub fn ask_for_token(&self) -> bool {
        self.token.is_some()
    }

    fn value(&self, session: &Session) -> String {
        let signed = session.signed();
        let mac = self.cookie.sign(&signed);
        format!("{signed}.{mac}")
    }

    /// The session of a request at `now`, epoch seconds: the first cookie of our name that is ours and has not expired.
    fn of(&self, headers: &HeaderMap, now: u64) -> Option<Session> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .filter(|cookie| cookie.name() == COOKIE)
            .find_map(|cookie| self.read(cookie.value(), now))
    }

    fn read(&self, value: &str, now: u64) -> Option<Session> {
        let (signed, mac) = value.rsplit_once('.')?;
        if !self.cookie.verifies(signed, mac) {
            return None;
        }
        let (expires, nonce) = signed.split_once('.')?;
        let session = Session { expires: expires.parse().ok()?, nonce: nonce.to_owned() };
        let is_over = now >= session.expires || self.ended().contains_key(&session.nonce);
        (!is_over).then_some(session)
    }

    /// Ends a session: its cookie opens nothing from now on.
    fn end(&self, session: Session, now: u64) {
        let mut ended = self.ended();
        // Nobody has to remember what has expired.
        ended.retain(|_, expires| now < *expires);
        ended.insert(session.nonce, session.expires);
    }

    fn ended(&self) -> std::sync::MutexGuard<'_, HashMap<String, u64>> {
        // A panic in between leaves a map that is as good as before.
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn visitor(&self, session: Option<&Session>, return_to: &str) -> Visitor {
        Visitor {
            csrf: session.map(|session| self.csrf.sign(&session.nonce)),
            signs_in: self.ask_for_token(),
            return_to: return_to.to_owned(),
        }
    }

    /// Why a POST with these headers and this CSRF token is refused.
    fn refuses(&self, headers: &HeaderMap, csrf: Option<&str>, now: u64) -> Option<Problem> {
        let problem = |kind, detail| Some(Problem::new(StatusCode::FORBIDDEN, kind, detail));
        if !auth::is_from_own_page(headers) {
            return Some(auth::foreign_origin());
        }
        let Some(session) = self.of(headers, now) else {
            return problem("no-session", "you are not signed in, or no longer: sign in, then send it again");
        };
        if !csrf.is_some_and(|csrf| self.csrf.verifies(&session.nonce, csrf)) {
            return problem("bad-csrf-token", "the form belongs to another session: load its page again");
        }
        None
    }
}

/// A session: until when, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Epoch seconds.
    expires: u64,
    /// 16 random bytes in hex.
    nonce: String,
}

impl Session {
    fn starting(now: u64) -> Result<Self, getrandom::Error> {
        Ok(Self { expires: now + LIFETIME.as_secs(), nonce: hex::encode(random::<16>()?) })
    }

    fn signed(&self) -> String {
        format!("{}.{}", self.expires, self.nonce)
    }
}

/// A key for one purpose.
#[derive(Clone)]
struct Key(Hmac<Sha256>);

impl Key {
    /// The key for `purpose`: a MAC of its name under the secret, which no MAC under this key gives away.
    fn derived(secret: &[u8], purpose: &str) -> Self {
        Self::new(&Self::new(secret).mac(purpose).finalize().into_bytes())
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    fn new(key: &[u8]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    fn mac(&self, text: &str) -> Hmac<Sha256> {
        self.0.clone().chain_update(text)
    }

    fn sign(&self, text: &str) -> String {
        hex::encode(self.mac(text).finalize().into_bytes())
    }

    /// Whether `mac` is the MAC of `text`, in a time that does not depend on where they differ.
    fn verifies(&self, text: &str, mac: &str) -> bool {
        hex::decode(mac).is_ok_and(|mac| self.mac(text).verify_slice(&mac).is_ok())
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Who looks at a page, for its template.
#[derive(Debug, Clone, Default)]
pub struct Visitor {
    /// The CSRF token of their forms; `None` for those who may not write.
    pub csrf: Option<String>,
    /// Whether one signs in here at all.
    pub signs_in: bool,
    /// Path and query of the page, for the way back from signing in.
    pub return_to: String,
}

impl Visitor {
    /// Whether they look at the page with that path, whatever its query.
    #[must_use]
    pub fn is_at(&self, path: &str) -> bool {
        self.return_to.split('?').next() == Some(path)
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = std::convert::Infallible;

    /// The visitor that [`attach`] found; outside of it one who may not write.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

/// Middleware around pages: makes a [`Visitor`] of the request. Where nobody signs in, a visitor without a session
/// gets one with the page. An answer that makes the browser forget its session ends it. Whoever has shown a wrong
/// token too often has to wait: 429.
pub async fn attach(State(sessions): State<Sessions>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let mut session = sessions.of(request.headers(), now());
    let mut new_cookie = None;
    if session.is_none() && !sessions.ask_for_token() && request.method().is_safe() {
        // Without random numbers the page is shown all the same, without its forms.
        session = Session::starting(now()).ok();
        new_cookie = session.as_ref().map(|session| sessions.cookie(session, request.headers()));
    }
    let trying = match &sessions.token {
        Some(token) if session.is_none() && !request.method().is_safe() => {
            Some((token, tries::client(&request)))
        }
        _ => None,
    };
    if let Some((token, client)) = &trying
        && let Some(seconds) = token.tries().refuses_to_sign_in(client, now())
    {
        return tries::wait(seconds);
    }
    request.extensions_mut().insert(sessions.visitor(session.as_ref(), &path));
    let mut response = next.run(request).await;
    if let Some((token, client)) = &trying
        && response.status() == StatusCode::UNAUTHORIZED
    {
        token.tries().failed_to_sign_in(client, now());
    }
    if let Some(session) = session
        && response.headers().get_all(header::SET_COOKIE).iter().any(is_no_cookie)
    {
        sessions.end(session, now());
    }
    if let Some(cookie) = new_cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Whether it is what [`Sessions::no_cookie`] makes.
fn is_no_cookie(cookie: &HeaderValue) -> bool {
    cookie.as_bytes().strip_prefix(COOKIE.as_bytes()).is_some_and(|rest| rest.starts_with(b"=;"))
}

/// The fields of a form that one of our pages sent: from its own origin, within a session, with that session's CSRF
/// token; else 403. 415 for what is no form, 422 naming the field when a value does not fit.
#[derive(Debug)]
pub struct SignedForm<T>(pub T);

/// The fields of a form of our own, or of nobody's page at all. For signing in, where there is no session yet.
#[derive(Debug)]
pub struct OwnForm<T>(pub T);

impl<S, T> FromRequest<S> for SignedForm<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
    Sessions: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let sessions = Sessions::from_ref(state);
        let headers = request.headers().clone();
        let body = extract::form_body(request, state).await?;
        let csrf = form_urlencoded::parse(&body).find(|(name, _)| name == CSRF_FIELD).map(|(_, value)| value);
        match sessions.refuses(&headers, csrf.as_deref(), now()) {
            Some(problem) => Err(problem),
            None => Ok(Self(extract::from_form(&body)?)),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for OwnForm<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !auth::is_from_own_page(request.headers()) {
            return Err(auth::foreign_origin());
        }
        Ok(Self(extract::from_form(&extract::form_body(request, state).await?)?))
    }
}

/// `text` when it is a path on this server, else `/`: what comes from a query must not lead to another site. Browsers
/// read `//host` and `/\host` as addresses, and drop tabs and line ends before they look.
#[must_use]
pub fn local_path(text: &str) -> &str {
    let inner = text.strip_prefix('/').unwrap_or("/");
    let plain = text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if plain && !inner.starts_with('/') { text } else { "/" }
}

fn set_cookie(value: String, lifetime: Duration, headers: &HeaderMap) -> HeaderValue {
    let by_https = headers
        .get("x-forwarded-proto")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(',').next())
        .is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"));
    let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
    let cookie = Cookie::build((COOKIE, value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(by_https)
        .max_age(cookie::time::Duration::seconds(seconds));
    HeaderValue::from_str(&cookie.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// Epoch seconds.
fn now() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000;

    fn sessions(token: &str) -> Sessions {
        Sessions::new(&Some(token.parse().unwrap())).unwrap()
    }

    fn carrying(value: &str) -> HeaderMap {
        let cookie = format!("other=1; {COOKIE}={value}");
        [
            (header::HOST, HeaderValue::from_static("automator.example")),
            (header::COOKIE, HeaderValue::from_str(&cookie).unwrap()),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn a_session_is_known_wherever_the_token_is_the_same_until_it_expires() {
        let session = Session::starting(NOW).unwrap();
        let value = sessions("abcdef").value(&session);
        let at = |now| sessions("abcdef").of(&carrying(&value), now);
        assert_eq!(at(NOW), Some(session.clone()));
        assert_eq!(at(NOW + LIFETIME.as_secs() - 1), Some(session));
        assert_eq!(at(NOW + LIFETIME.as_secs()), None, "expired");
        assert_eq!(sessions("abcdeg").of(&carrying(&value), NOW), None, "another token");
    }

    #[tokio::test]
    async fn a_session_that_was_ended_opens_nothing_and_others_go_on() {
        use axum::{Router, body::Body, middleware, routing::post};
        use tower::ServiceExt;

        let ours = sessions("abcdef");
        let out =
            post(|headers: HeaderMap| async move { [(header::SET_COOKIE, Sessions::no_cookie(&headers))] });
        let stay = post(async || "");
        let pages = Router::new().route("/sign-out", out).route("/stay", stay);
        let pages = pages.layer(middleware::from_fn_with_state(ours.clone(), attach));
        let [mine, other] = [Session::starting(now()).unwrap(), Session::starting(now()).unwrap()];
        let post = async |path: &str, session: &Session| {
            let request =
                Request::post(path).header(header::COOKIE, format!("{COOKIE}={}", ours.value(session)));
            pages.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
        };
        assert_eq!(post("/stay", &mine).await, 200);
        assert!(ours.of(&carrying(&ours.value(&mine)), now()).is_some());
        assert_eq!(post("/sign-out", &mine).await, 200);
        assert!(ours.of(&carrying(&ours.value(&mine)), now()).is_none(), "signed out");
        assert!(ours.of(&carrying(&ours.value(&other)), now()).is_some());
        ours.end(other, now() + LIFETIME.as_secs() + 1);
        assert_eq!(ours.ended().len(), 1, "what has expired is forgotten");
    }

    #[tokio::test]
    async fn whoever_tries_tokens_has_to_wait_and_whoever_is_signed_in_does_not() {
        use axum::{Router, body::Body, middleware, routing::post};
        use tower::ServiceExt;

        let ours = sessions("abcdef");
        let sign_in = post(|headers: HeaderMap| async move {
            if headers.contains_key("x-right") { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
        });
        let pages = Router::new().route("/sign-in", sign_in);
        let pages = pages.layer(middleware::from_fn_with_state(ours.clone(), attach));
        let mine = ours.value(&Session::starting(now()).unwrap());
        let ask = async |from: &str, headers: &[(&str, &str)]| {
            let mut request = Request::post("/sign-in").header("x-forwarded-for", from);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            pages.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
        };
        for _ in 0..tries::MOST {
            assert_eq!(ask("192.0.2.1", &[]).await.status(), 401);
        }
        let refused = ask("192.0.2.1", &[("x-right", "1")]).await;
        assert_eq!(refused.status(), 429);
        assert!(refused.headers()[header::RETRY_AFTER].to_str().unwrap().parse::<u64>().unwrap() <= 60);
        let cookie = format!("{COOKIE}={mine}");
        assert_eq!(ask("192.0.2.1", &[("cookie", &cookie)]).await.status(), 401, "a session needs no token");
        assert_eq!(ask("192.0.2.2", &[("x-right", "1")]).await.status(), 200, "somebody else");
    }

    #[test]
    fn a_forged_or_truncated_cookie_is_nobodys() {
        let ours = sessions("abcdef");
        let value = ours.value(&Session::starting(NOW).unwrap());
        let longer = value.replacen(&(NOW + LIFETIME.as_secs()).to_string(), "99999999", 1);
        let csrf_as_mac = {
            let signed = value.rsplit_once('.').unwrap().0;
            format!("{signed}.{}", ours.csrf.sign(signed))
        };
        for (what, wrong) in [
            ("a later expiry", longer.as_str()),
            ("a MAC under the other key", &csrf_as_mac),
            ("no MAC", value.rsplit_once('.').unwrap().0),
            ("a MAC cut in half", &value[..value.len() - 32]),
            ("a MAC without its last digit", &value[..value.len() - 1]),
            ("an empty MAC", &format!("{}.", value.rsplit_once('.').unwrap().0)),
            ("nothing", ""),
            ("dots", ".."),
        ] {
            assert_eq!(ours.of(&carrying(wrong), NOW), None, "{what}");
        }
        assert_ne!(longer, value);
    }

    #[test]
    fn a_post_wants_the_csrf_token_of_its_own_session_and_its_own_origin() {
        let ours = sessions("abcdef");
        let mine = Session::starting(NOW).unwrap();
        let other = Session::starting(NOW).unwrap();
        let csrf = ours.csrf.sign(&mine.nonce);
        let mut headers = carrying(&ours.value(&mine));
        let refused = |headers: &HeaderMap, csrf: Option<&str>| {
            ours.refuses(headers, csrf, NOW)
                .map(|problem| problem.kind.rsplit(':').next().unwrap().to_owned())
        };
        assert_eq!(refused(&headers, Some(&csrf)), None);
        let others = ours.csrf.sign(&other.nonce);
        for wrong in [None, Some(""), Some("x"), Some(&csrf[1..]), Some(others.as_str())] {
            assert_eq!(refused(&headers, wrong).as_deref(), Some("bad-csrf-token"), "{wrong:?}");
        }
        for (origin, expected) in [
            ("https://automator.example", None),
            ("https://evil.example", Some("foreign-origin")),
            ("https://evil.automator.example", Some("foreign-origin")),
            ("null", Some("foreign-origin")),
        ] {
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            assert_eq!(refused(&headers, Some(&csrf)).as_deref(), expected, "{origin}");
        }
        headers.remove(header::ORIGIN);
        headers.remove(header::COOKIE);
        assert_eq!(refused(&headers, Some(&csrf)).as_deref(), Some("no-session"));
    }

    #[test]
    fn only_the_whole_token_signs_in_and_without_one_nobody_does() {
        assert!(sessions("abcdef").sign_in("abcdef").unwrap().is_some());
        for wrong in ["", "abcde", "abcdefg", "ABCDEF"] {
            assert!(sessions("abcdef").sign_in(wrong).unwrap().is_none(), "{wrong:?}");
        }
        assert!(Sessions::new(&None).unwrap().sign_in("").unwrap().is_none());
    }

    #[test]
    fn without_a_token_a_session_is_of_this_process_only() {
        let (one, another) = (Sessions::new(&None).unwrap(), Sessions::new(&None).unwrap());
        let value = one.value(&Session::starting(NOW).unwrap());
        assert!(one.of(&carrying(&value), NOW).is_some());
        assert!(another.of(&carrying(&value), NOW).is_none());
    }

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_and_other_sites_and_secure_behind_https() {
        let ours = sessions("abcdef");
        let session = Session::starting(NOW).unwrap();
        let plain = ours.cookie(&session, &HeaderMap::new());
        let plain = plain.to_str().unwrap();
        for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
            assert!(plain.split("; ").any(|found| found == part), "{part} is not in {plain}");
        }
        assert!(!plain.contains("Secure"));
        let https = [("x-forwarded-proto".parse().unwrap(), HeaderValue::from_static("https"))];
        let https: HeaderMap = https.into_iter().collect();
        assert!(ours.cookie(&session, &https).to_str().unwrap().contains("; Secure"));
        assert!(Sessions::no_cookie(&https).to_str().unwrap().contains("Max-Age=0"));
    }

    #[test]
    fn the_way_back_stays_on_this_server() {
        for local in ["/", "/tasks/1?a=b&c=%2F%2Fd", "/?next=https://evil.example"] {
            assert_eq!(local_path(local), local);
        }
        for foreign in [
            "",
            "x",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "/\t/evil.example",
            "javascript:alert(1)",
            "/a\r\nSet-Cookie: x=y",
            " /",
        ] {
            assert_eq!(local_path(foreign), "/", "{foreign:?}");
        }
    }

    #[test]
    fn keys_are_never_printed() {
        let text = format!("{:?}", sessions("hunter2"));
        assert!(!text.contains("hunter2") && text.contains("Key(…)"), "{text}");
    }
}
