//! Somebody who looks at pages and sends their forms, without a browser: one cookie, no script, no redirect followed.

use reqwest::Method;

use crate::{Answer, App, Request, TOKEN};

/// Name of the cookie.
const COOKIE: &str = "automator_session";

/// A visitor with the session that they have.
pub struct Visitor<'a> {
    app: &'a App,
    cookie: Option<String>,
}

impl App {
    /// A visitor who has not signed in.
    #[must_use]
    pub fn visitor(&self) -> Visitor<'_> {
        Visitor { app: self, cookie: None }
    }

    /// A visitor who has signed in with the token.
    ///
    /// # Panics
    /// The token does not sign in.
    pub async fn signed_in(&self) -> Visitor<'_> {
        let mut visitor = self.visitor();
        let answer = visitor.form("/sign-in", &[("token", TOKEN), ("return_to", "/")]).await.is(303);
        visitor.remember(&answer);
        visitor
    }
}

impl Visitor<'_> {
    /// Keeps the cookie that an answer sets.
    ///
    /// # Panics
    /// It sets none.
    pub fn remember(&mut self, answer: &Answer) {
        let cookie = answer.header("set-cookie").and_then(|value| value.split(';').next());
        let cookie = cookie.unwrap_or_else(|| panic!("expected a cookie, but {answer}"));
        assert!(cookie.starts_with(&format!("{COOKIE}=")), "an unknown cookie: {cookie}");
        self.cookie = Some(cookie.to_owned());
    }

    /// `GET path`.
    pub fn get(&self, path: &str) -> Request {
        self.with_cookie(self.app.get(path))
    }

    /// `POST path` with these fields and no others.
    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> Request {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.with_cookie(self.app.request(Method::POST, path)).text("application/x-www-form-urlencoded", body)
    }

    /// The CSRF token of the forms on a page.
    ///
    /// # Panics
    /// The page has no form.
    pub async fn csrf(&self, path: &str) -> String {
        let page = self.get(path).await.is(200);
        hidden(&page, "csrf").unwrap_or_else(|| panic!("{path} has no form: {page}"))
    }

    /// `POST path` with these fields and the CSRF token of the page there.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf(path).await;
        let fields: Vec<_> = fields.iter().copied().chain([("csrf", csrf.as_str())]).collect();
        self.form(path, &fields).await
    }

    fn with_cookie(&self, request: Request) -> Request {
        match &self.cookie {
            Some(cookie) => request.header("cookie", cookie.as_str()),
            None => request,
        }
    }
}

/// The value of a page's first hidden field of that name.
#[must_use]
pub(crate) fn hidden(page: &Answer, name: &str) -> Option<String> {
    let field = format!("type=\"hidden\" name=\"{name}\" value=\"");
    page.text.split(&field).nth(1)?.split('"').next().map(str::to_owned)
}

/// A link's address as a browser would read it: `&#38;` is `&`.
#[must_use]
pub(crate) fn address(attribute: &str) -> String {
    attribute.replace("&#38;", "&").replace("&amp;", "&")
}
