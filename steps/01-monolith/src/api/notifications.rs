//! `/api/notifications`

use axum::{
    Json,
    http::{StatusCode, header},
    response::IntoResponse,
};
use chassis::{
    Fault, Problem,
    extract::{Json as JsonBody, Path},
};
use domain::{NewNotification, Notification};
use uuid::Uuid;

use crate::{
    Result,
    app::State,
    notify::{self, Message},
};

/// Send a message to somebody. It is queued now and sent soon; the `Location` tells how that went.
///
/// # Errors
/// 422 naming the fields that are wrong.
#[utoipa::path(
    post,
    path = "/api/notifications",
    request_body = NewNotification,
    security(("token" = [])),
    responses(
        (status = 202, body = Notification, headers(("Location" = String))),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    state: axum::extract::State<State>,
    JsonBody(new): JsonBody<NewNotification>,
) -> Result<impl IntoResponse> {
    new.validate().map_err(Fault::Invalid)?;
    let message = Message {
        key: Uuid::now_v7().to_string(),
        channel: new.channel,
        sender: None,
        to: new.to,
        subject: new.subject,
        body: new.body,
    };
    let mut tx = state.store.begin_write().await?;
    let queued = notify::queue(&mut tx, &message).await?;
    tx.commit().await?;
    state.messenger.wake();
    let location = format!("/api/notifications/{}", queued.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(queued)))
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
pub async fn get(state: axum::extract::State<State>, Path(id): Path<Uuid>) -> Result<Json<Notification>> {
    Ok(Json(notify::find(&state.store, id).await?))
}
