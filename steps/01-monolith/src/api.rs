//! The public HTTP API: one file for each resource, its SQL beside its handlers.

pub mod digests;
pub mod imports;
pub mod items;
pub mod legacy;
pub mod measures;
pub mod notifications;
pub mod repositories;
pub mod rules;
pub mod tasks;
pub mod team;
pub mod webhooks;

use axum::{Json, Router, extract::DefaultBodyLimit, middleware, routing::get};
use chassis::{Fault, Problem, auth, extract};
use domain::{Limit, Page, Sort, WaitingFor};
use jiff::Timestamp;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::State;

/// What all routes have in common.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Automator",
        description = "Ranks the issues and pull requests of a set of repositories that need a person. \
                       Writes want `Authorization: Bearer <AUTOMATOR_API_TOKEN>`; errors are problem details (RFC 9457); \
                       lists are paged with an opaque `cursor`."
    ),
    // The last three stand in queries only, where the routes do not collect them.
    components(schemas(Problem, Limit, Sort, WaitingFor)),
    modifiers(&Bearer)
)]
struct Document;

/// The bearer token, for the routes that name it.
struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        document.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

/// The table of the idempotency keys. They are known for seven days at least, see [`store::idempotency`].
pub(crate) const IDEMPOTENCY_KEYS: &str = "idempotency_keys";

/// The longest body that a route of the API takes, in bytes.
pub const LONGEST_BODY: usize = 64 * 1024;

/// A part of the API that another router may answer in place of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Messages, also under the tutorial's routes.
    Messages,
    /// Measures and leaderboard.
    Measures,
    /// The team.
    Team,
}

/// All routes under `/api` and `/webhooks`, the old ones of [`legacy`], and `GET /openapi.json`, which describes them; but for
/// those that are `left_out`, which it only describes.
pub fn router(state: &State, left_out: &[Part]) -> Router {
    let (api, webhooks) = routers(left_out);
    let api = api.layer(middleware::from_fn_with_state(state.token.clone(), auth::writes));
    let (router, _) = limited(api, LONGEST_BODY)
        .merge(limited(webhooks, webhooks::LONGEST_PAYLOAD))
        .with_state(state.clone())
        .split_for_parts();
    let document = document();
    router.route("/openapi.json", get(move || async move { Json(document) }))
}

/// The description of the public API. It is the same at every step: whoever serves it, serves this.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let (api, webhooks) = routers(&[]);
    api.merge(webhooks).to_openapi()
}

/// The description of the routes for messages alone: whoever serves them in a process of their own, serves this.
#[must_use]
pub fn document_of_messages() -> utoipa::openapi::OpenApi {
    OpenApiRouter::with_openapi(Document::openapi()).merge(messages()).to_openapi()
}

/// The routes for messages.
fn messages() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(notifications::create))
        .routes(routes!(notifications::get))
        .merge(legacy::messages())
}

/// The routes that want a token for a write, and those that want a signature.
fn routers(left_out: &[Part]) -> (OpenApiRouter<State>, OpenApiRouter<State>) {
    let mut api = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(repositories::list))
        .routes(routes!(items::list))
        .routes(routes!(items::get))
        .routes(routes!(tasks::list))
        .routes(routes!(tasks::get, tasks::update))
        .routes(routes!(imports::create))
        .routes(routes!(imports::get))
        .routes(routes!(rules::list, rules::create))
        .routes(routes!(rules::delete))
        .routes(routes!(digests::create))
        .merge(legacy::router());
    if !left_out.contains(&Part::Messages) {
        api = api.merge(messages());
    }
    if !left_out.contains(&Part::Team) {
        api = api.routes(routes!(team::list, team::create)).routes(routes!(team::change));
    }
    if !left_out.contains(&Part::Measures) {
        api = api.routes(routes!(measures::measures)).routes(routes!(measures::leaderboard));
    }
    // GitHub shows a signature in place of the token.
    let webhooks = OpenApiRouter::new().routes(routes!(webhooks::receive));
    (api, webhooks)
}

/// `router`, taking bodies of at most `bytes`.
fn limited(router: OpenApiRouter<State>, bytes: usize) -> OpenApiRouter<State> {
    router
        .layer(DefaultBodyLimit::max(bytes))
        .layer(middleware::from_fn_with_state(bytes, extract::announced))
}

/// How many rows to read for a page: one more than it shows tells whether there is another page.
#[must_use]
pub fn one_more(limit: Limit) -> i64 {
    i64::from(limit.get()) + 1
}

/// The page that `rows` make, read with [`one_more`]; `cursor` is asked for the place after its last element.
///
/// # Errors
/// A row that we cannot have written.
pub fn page<R, T: TryFrom<R, Error = Fault>>(
    mut rows: Vec<R>,
    limit: Limit,
    cursor: impl FnOnce(&T) -> Result<String, Fault>,
) -> Result<Page<T>, Fault> {
    let more = rows.len() > limit.get() as usize;
    rows.truncate(limit.get() as usize);
    let items = rows.into_iter().map(T::try_from).collect::<Result<Vec<T>, Fault>>()?;
    let next_cursor = items.last().filter(|_| more).map(cursor).transpose()?;
    Ok(Page { items, next_cursor })
}

/// A stored time. Only a time that jiff gave us is ever stored, so the fallback is never seen.
#[must_use]
pub fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Today as the tables store a day: days since 1970-01-01, UTC.
#[must_use]
pub fn today() -> i64 {
    Timestamp::now().as_second().div_euclid(86_400)
}
