//! `/api/rules`

use automator_backlog::stored_rules::{insert, made, page, remove};
use axum::{Json, extract::State as Shared, http::StatusCode};
use chassis::{
    Problem,
    extract::{Json as JsonBody, Path, Query},
    idempotency::{Answer, IdempotencyKey, Keyed},
};
use domain::{NewRule, Page, PageQuery, Rule};
use store::idempotency;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    Result,
    state::{IDEMPOTENCY_KEYS, State},
};

/// The routes of rules.
pub fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(delete))
}

/// The rules, oldest first.
#[utoipa::path(
    get,
    path = "/api/rules",
    params(PageQuery),
    responses((status = 200, body = Page<Rule>), (status = 422, body = Problem, content_type = "application/problem+json"))
)]
pub async fn list(Shared(state): Shared<State>, Query(params): Query<PageQuery>) -> Result<Json<Page<Rule>>> {
    Ok(Json(page(&state.store, &params).await?))
}

/// Add a rule. It runs for what happens from now on.
///
/// # Errors
/// 409 the name is taken, 422 naming the fields that are wrong.
#[utoipa::path(
    post,
    path = "/api/rules",
    params(IdempotencyKey),
    request_body = NewRule,
    security(("token" = [])),
    responses(
        (status = 201, body = Rule),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    Shared(state): Shared<State>,
    Keyed(key, JsonBody(new)): Keyed<JsonBody<NewRule>>,
) -> Result<Answer> {
    let rule = made(new)?;
    idempotency::once(&state.store, IDEMPOTENCY_KEYS, key, async |tx| {
        insert(tx, &rule).await?;
        Ok(Answer::json(StatusCode::CREATED, &rule)?.at(format!("/api/rules/{}", rule.id)))
    })
    .await
}

/// Take a rule away. What it has decided is still done.
///
/// # Errors
/// 404 unknown rule.
#[utoipa::path(
    delete,
    path = "/api/rules/{id}",
    params(("id" = Uuid, Path)),
    security(("token" = [])),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json"))
)]
pub async fn delete(Shared(state): Shared<State>, Path(id): Path<Uuid>) -> Result<StatusCode> {
    remove(&state.store, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
