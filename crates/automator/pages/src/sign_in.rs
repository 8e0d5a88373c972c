//! `/sign-in` and `/sign-out`

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use chassis::{
    Fault,
    extract::Query,
    session::{OwnForm, Sessions, SignedForm, Visitor, local_path},
};
use serde::Deserialize;

use crate::{Pages, Result};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page {
    visitor: Visitor,
    return_to: String,
    wrong: bool,
}

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Back {
    return_to: String,
}

/// Asks for the token.
pub(crate) async fn show(visitor: Visitor, Query(back): Query<Back>) -> Result<Response> {
    let return_to = local_path(&back.return_to).to_owned();
    crate::page(StatusCode::OK, &Page { visitor, return_to, wrong: false })
}

/// What the page sends.
#[derive(Deserialize)]
pub(crate) struct Form {
    token: String,
    #[serde(default)]
    return_to: String,
}

/// Begins a session and goes back to where the visitor came from; 401 for a wrong token.
pub(crate) async fn sign_in(
    State(pages): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    OwnForm(form): OwnForm<Form>,
) -> Result<Response> {
    let return_to = local_path(&form.return_to);
    match pages.sessions.sign_in(form.token.trim()).map_err(Fault::internal)? {
        Some(session) => {
            let cookie = pages.sessions.cookie(&session, &headers);
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to(return_to)).into_response())
        }
        None => {
            let page = Page { visitor, return_to: return_to.to_owned(), wrong: true };
            let mut response = crate::page(StatusCode::UNAUTHORIZED, &page)?;
            let challenge = HeaderValue::from_static(r#"Bearer realm="automator""#);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            Ok(response)
        }
    }
}

/// Ends the session in this browser.
pub(crate) async fn sign_out(headers: HeaderMap, SignedForm(back): SignedForm<Back>) -> Response {
    let cookie = Sessions::no_cookie(&headers);
    ([(header::SET_COOKIE, cookie)], Redirect::to(local_path(&back.return_to))).into_response()
}
