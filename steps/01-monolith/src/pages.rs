//! Pages for people.

use askama::Template;
use axum::{
    Router,
    http::{HeaderValue, header},
    middleware,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use chassis::{Fault, extract::Query};
use domain::{Page, Task};

use crate::{
    Result,
    api::tasks::{self, Params},
    app::State,
};

/// What a page may load: its own style sheet and nothing else, from anywhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// `GET /` and the style sheet.
pub fn router(state: &State) -> Router {
    Router::new()
        .route("/", get(backlog))
        .route("/style.css", get(style))
        .layer(middleware::map_response(guard))
        .with_state(state.clone())
}

/// The backlog, a page at a time.
#[derive(Template)]
#[template(path = "backlog.html")]
struct Backlog {
    page: Page<Task>,
    /// Whether this is not the first page.
    later: bool,
    /// Query string of this list without its cursor.
    query: String,
}

/// `GET /`: open tasks by rank, with the filters of `GET /api/tasks`.
async fn backlog(
    state: axum::extract::State<State>,
    uri: axum::http::Uri,
    Query(params): Query<Params>,
) -> Result<Html<String>> {
    let page = tasks::page(&state, &params).await?;
    let query: Vec<&str> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="))
        .collect();
    let backlog = Backlog { page, later: params.cursor.is_some(), query: query.join("&") };
    Ok(Html(backlog.render().map_err(Fault::internal)?))
}

async fn style() -> impl IntoResponse {
    let headers =
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")];
    (headers, include_str!("../templates/style.css"))
}

/// Tells the browser what our pages do not do.
async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
