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

use automator_api::LONGEST_BODY;
use automator_github::webhook;
use automator_messages::Messenger;
use axum::{Json, Router, extract::DefaultBodyLimit, middleware, routing::get};
use chassis::{Problem, auth, extract};
use domain::{Limit, Sort, WaitingFor};
use utoipa::{
    OpenApi,
    openapi::{Content, Ref, Response, path::Operation},
};
use utoipa_axum::router::OpenApiRouter;

use self::digests::Digester;
use crate::state::State;

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

/// All routes under `/api` and `/webhooks`, the old ones of [`legacy`], and `GET /openapi.json`, which describes them.
pub fn router(state: &State, messenger: &Messenger) -> Router {
    let digester = Digester { state: state.clone(), messenger: messenger.clone() };
    let api = OpenApiRouter::new()
        .merge(of_state().with_state(state.clone()))
        .merge(digests::router().with_state(digester))
        .merge(of_messages().with_state(messenger.clone()))
        .layer(middleware::from_fn_with_state(state.token.clone(), auth::writes));
    // GitHub shows a signature in place of the token.
    let webhooks = webhooks::router().with_state(state.clone());
    let (router, _) =
        limited(api, LONGEST_BODY).merge(limited(webhooks, webhook::LONGEST_PAYLOAD)).split_for_parts();
    let document = document();
    router.route("/openapi.json", get(move || async move { Json(document) }))
}

/// What the handlers say of themselves.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let parts = [
        of_state().to_openapi(),
        digests::router().to_openapi(),
        of_messages().to_openapi(),
        webhooks::router().to_openapi(),
    ];
    let mut document = parts.into_iter().fold(Document::openapi(), utoipa::openapi::OpenApi::merge_from);
    for path in document.paths.paths.values_mut() {
        for operation in [&mut path.post, &mut path.patch, &mut path.delete].into_iter().flatten() {
            refuse_alike(operation);
        }
    }
    document
}

/// Says how a write is refused before its handler is asked: by [`auth::writes`], and where its body is read ([`extract`]).
fn refuse_alike(operation: &mut Operation) {
    let token: &[_] =
        &[("401", "Not the token"), ("429", "Too many wrong tokens: Retry-After says for how long")];
    let body: &[_] =
        &[("400", "Not JSON"), ("413", "Longer than this route takes"), ("415", "Not said to be JSON")];
    let wants_token = if operation.security.is_some() { token } else { &[] };
    // A webhook may be a form, and says for itself what it refuses.
    let wants_json =
        if operation.security.is_some() && operation.request_body.is_some() { body } else { &[] };
    for (status, description) in wants_token.iter().chain(wants_json) {
        let problem = Content::new(Some(Ref::from_schema_name("Problem")));
        let refusal =
            Response::builder().description(*description).content("application/problem+json", problem);
        operation.responses.responses.insert((*status).to_owned(), refusal.into());
    }
}

/// The routes over the one schema.
fn of_state() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .merge(repositories::router())
        .merge(items::router())
        .merge(tasks::router())
        .merge(imports::router())
        .merge(rules::router())
        .merge(legacy::router())
        .merge(team::router())
        .merge(measures::router())
}

/// The routes of messages.
fn of_messages() -> OpenApiRouter<Messenger> {
    OpenApiRouter::new().merge(notifications::router()).merge(legacy::messages())
}

/// `router`, taking bodies of at most `bytes`.
fn limited(router: OpenApiRouter, bytes: usize) -> OpenApiRouter {
    router
        .layer(DefaultBodyLimit::max(bytes))
        .layer(middleware::from_fn_with_state(bytes, extract::announced))
}
