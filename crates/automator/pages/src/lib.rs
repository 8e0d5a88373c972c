//! Pages for people, one file each: what they show and the forms that they take. And the mail of a [`digest`].
//!
//! A page reads and writes through a [`Source`], which asks the same functions as the API. It needs no JavaScript. A write is a
//! form of our own ([`SignedForm`](chassis::session::SignedForm)) and answers 303 to the page that shows what became of it; a
//! value that does not fit shows the page again, with the message beside its field.

mod backlog;
mod chart;
pub mod digest;
mod field;
mod measures;
mod problem;
mod sign_in;
mod source;
mod task;
mod team;

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef},
    http::{HeaderValue, StatusCode, header},
    middleware,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use chassis::{
    Fault,
    auth::{self, Names},
    extract,
    health::Health,
    http,
    metrics::Metrics,
    session::{self, Sessions},
};

pub use problem::in_words;
pub use source::Source;

/// What a page answers with. A fault becomes a page too, see [`in_words`].
type Result<T, E = Fault> = std::result::Result<T, E>;

/// What every page may use.
#[derive(Clone)]
pub struct Pages {
    /// What is shown and changed.
    pub source: Arc<dyn Source>,
    /// Of those who write.
    pub sessions: Sessions,
}

impl FromRef<Pages> for Sessions {
    fn from_ref(pages: &Pages) -> Self {
        pages.sessions.clone()
    }
}

/// What a page may load: its own style sheet and nothing else, from anywhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// The longest form that a page takes, in bytes.
const LONGEST_FORM: usize = 16 * 1024;

/// The pages and the style sheet.
pub fn router(pages: Pages) -> Router {
    let sessions = pages.sessions.clone();
    let routes = Router::new()
        .route("/", get(backlog::show))
        .route("/tasks/{id}", get(task::show).post(task::change))
        .route("/measures", get(measures::show))
        .route("/team", get(team::show).post(team::add))
        .route("/team/{login}", post(team::change))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .layer(middleware::from_fn_with_state(sessions, session::attach))
        .layer(middleware::map_response(keep_private))
        .layer(DefaultBodyLimit::max(LONGEST_FORM))
        .layer(middleware::from_fn_with_state(LONGEST_FORM, extract::announced));
    let style = Router::new().route("/style.css", get(style));
    style.merge(routes).layer(middleware::map_response(problem::mark)).with_state(pages)
}

/// `routes` in their frame, with what the platform asks: the whole of what a process with pages answers, by one of its `names`.
pub fn framed(routes: Router, names: Names, health: Health, metrics: &Metrics) -> Router {
    let routes = routes
        .merge(health.router())
        .merge(metrics.router())
        .layer(middleware::from_fn_with_state(names, auth::own_names));
    metrics.count(http::frame(routes).layer(middleware::from_fn(in_words)))
}

/// A page with its status.
fn page(status: StatusCode, template: &impl Template) -> Result<Response> {
    let html = template.render().map_err(Fault::internal)?;
    Ok((status, Html(html)).into_response())
}

async fn style() -> impl IntoResponse {
    let headers =
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")];
    (headers, include_str!("../templates/style.css"))
}

/// Keeps a page out of every cache: it shows one visitor's forms, as of now.
async fn keep_private(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Tells the browser what our pages do not do.
fn guard(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Not `no-referrer`, under which a browser sends our own forms with `Origin: null`.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
}
