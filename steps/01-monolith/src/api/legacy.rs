//! The routes of the tutorial's services, for the clients that were written for them. New ones use `/api`.

use automator_api::{PONG, Pong};
use automator_github::{
    items,
    legacy::{Entry, Params},
    repositories::named,
};
use automator_messages::{
    Messenger,
    request::{LegacyEmail, LegacySms, accepted},
};
use axum::{Json, extract::State as Shared};
use chassis::{
    Problem,
    extract::{Json as JsonBody, Query},
    idempotency::{Answer, IdempotencyKey, Keyed},
};
use domain::{Kind, Notification};
use utoipa::openapi::Deprecated;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Result, state::State};

/// Those that read, described as deprecated.
pub fn router() -> OpenApiRouter<State> {
    deprecated(
        OpenApiRouter::new().routes(routes!(ping)).routes(routes!(issues)).routes(routes!(pull_requests)),
    )
}

/// Those that send messages.
pub fn messages() -> OpenApiRouter<Messenger> {
    deprecated(OpenApiRouter::new().routes(routes!(email)).routes(routes!(sms)))
}

fn deprecated<S: Clone + Send + Sync + 'static>(mut router: OpenApiRouter<S>) -> OpenApiRouter<S> {
    for path in router.get_openapi_mut().paths.paths.values_mut() {
        for operation in [&mut path.get, &mut path.post].into_iter().flatten() {
            operation.deprecated = Some(Deprecated::True);
        }
    }
    router
}

/// Answers whoever asks.
#[utoipa::path(get, path = "/ping", responses((status = 200, body = Pong)))]
pub async fn ping() -> Json<Pong> {
    Json(PONG)
}

/// The open issues of a repository, newest first: `GET /api/items?kind=issue` in old words.
///
/// # Errors
/// 404 a repository that is not tracked, 422 no `repo`, or a name that two owners use.
#[utoipa::path(
    get,
    path = "/github/issues",
    params(Params),
    responses(
        (status = 200, body = Vec<Entry>),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn issues(Shared(state): Shared<State>, Query(params): Query<Params>) -> Result<Json<Vec<Entry>>> {
    open(&state, &params.repo, Kind::Issue).await
}

/// The open pull requests of a repository, newest first: `GET /api/items?kind=pull_request` in old words.
///
/// # Errors
/// As [`issues`].
#[utoipa::path(
    get,
    path = "/github/prs",
    params(Params),
    responses(
        (status = 200, body = Vec<Entry>),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn pull_requests(
    Shared(state): Shared<State>,
    Query(params): Query<Params>,
) -> Result<Json<Vec<Entry>>> {
    open(&state, &params.repo, Kind::PullRequest).await
}

/// All of them: the tutorial had no pages.
async fn open(state: &State, name: &str, kind: Kind) -> Result<Json<Vec<Entry>>> {
    let repository = named(&state.catalogue, name)?;
    let items = items::open(&state.store, &repository.name, kind).await?;
    Ok(Json(items.into_iter().map(Entry::from).collect()))
}

/// Send a mail. Use `POST /api/notifications`.
///
/// # Errors
/// 422 naming the fields that are wrong.
#[utoipa::path(
    post,
    path = "/email",
    params(IdempotencyKey),
    request_body = LegacyEmail,
    security(("token" = [])),
    responses(
        (status = 202, body = Notification, headers(("Location" = String))),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn email(
    Shared(messenger): Shared<Messenger>,
    Keyed(key, JsonBody(mail)): Keyed<JsonBody<LegacyEmail>>,
) -> Result<Answer> {
    Ok(accepted(messenger.send(key, vec![mail.message()?]).await?)?)
}

/// Send a text message. Use `POST /api/notifications`.
///
/// # Errors
/// 422 naming the fields that are wrong.
#[utoipa::path(
    post,
    path = "/sms",
    params(IdempotencyKey),
    request_body = LegacySms,
    security(("token" = [])),
    responses(
        (status = 202, body = Notification, headers(("Location" = String))),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn sms(
    Shared(messenger): Shared<Messenger>,
    Keyed(key, JsonBody(text)): Keyed<JsonBody<LegacySms>>,
) -> Result<Answer> {
    Ok(accepted(messenger.send(key, vec![text.message()?]).await?)?)
}
