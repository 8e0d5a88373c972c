//! `/api/imports`

use automator_github::imports::{find, start};
use axum::{Json, extract::State as Shared, http::StatusCode};
use chassis::{
    Problem,
    extract::{Ignored, Path},
    idempotency::{Answer, IdempotencyKey, Keyed},
};
use domain::Import;
use store::idempotency;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    Result,
    state::{IDEMPOTENCY_KEYS, State},
};

/// The routes of imports.
pub fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(get))
}

/// Start an import of all tracked repositories from GitHub. While one is under way, the answer is that one.
#[utoipa::path(
    post,
    path = "/api/imports",
    params(IdempotencyKey),
    security(("token" = [])),
    responses(
        (status = 202, body = Import, headers(("Location" = String))),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create(Shared(state): Shared<State>, Keyed(key, Ignored): Keyed<Ignored>) -> Result<Answer> {
    idempotency::once(&state.store, IDEMPOTENCY_KEYS, key, async |tx| {
        let id = start(tx).await?;
        let location = format!("/api/imports/{id}");
        Ok(Answer::json(StatusCode::ACCEPTED, &find(&mut *tx, &id).await?)?.at(location))
    })
    .await
    .inspect(|_| state.importer.wake())
}

/// How far an import is.
#[utoipa::path(
    get,
    path = "/api/imports/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Import), (status = 404, body = Problem, content_type = "application/problem+json"))
)]
pub async fn get(Shared(state): Shared<State>, Path(id): Path<Uuid>) -> Result<Json<Import>> {
    Ok(Json(find(&state.store, &id.to_string()).await?))
}
