//! `/api/notifications`

use automator_messages::{
    Messenger,
    request::{accepted, message},
};
use axum::{Json, extract::State as Shared};
use chassis::{
    Problem,
    extract::{Json as JsonBody, Path},
    idempotency::{Answer, IdempotencyKey, Keyed},
};
use domain::{NewNotification, Notification};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::Result;

/// The routes of messages.
pub fn router() -> OpenApiRouter<Messenger> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(get))
}

/// Send a message to somebody. It is queued now and sent soon; the `Location` tells how that went.
///
/// # Errors
/// 422 naming the fields that are wrong.
#[utoipa::path(
    post,
    path = "/api/notifications",
    params(IdempotencyKey),
    request_body = NewNotification,
    security(("token" = [])),
    responses(
        (status = 202, body = Notification, headers(("Location" = String))),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    Shared(messenger): Shared<Messenger>,
    Keyed(key, JsonBody(new)): Keyed<JsonBody<NewNotification>>,
) -> Result<Answer> {
    Ok(accepted(messenger.send(key, vec![message(new)?]).await?)?)
}

/// How far a message has come.
#[utoipa::path(
    get,
    path = "/api/notifications/{id}",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Notification),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get(Shared(messenger): Shared<Messenger>, Path(id): Path<Uuid>) -> Result<Json<Notification>> {
    Ok(Json(messenger.find(id).await?))
}
