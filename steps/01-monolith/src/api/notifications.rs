//! `/api/notifications`

use axum::{Json, http::StatusCode};
use chassis::{
    Ctx, Fault, Problem,
    extract::{Json as JsonBody, Path},
    idempotency::{Answer, IdempotencyKey, Keyed, Once},
};
use domain::{Message, NewNotification, Notification};
use uuid::Uuid;

use crate::{
    Result,
    app::State,
    notify::{self, Outgoing},
};

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
    state: axum::extract::State<State>,
    ctx: Ctx,
    Keyed(key, JsonBody(new)): Keyed<JsonBody<NewNotification>>,
) -> Result<Answer> {
    queue(&*state.outgoing, &ctx, key, message(new)?).await
}

/// The message that is asked for.
///
/// # Errors
/// 422 naming the fields that are wrong.
pub fn message(new: NewNotification) -> Result<Message, Fault> {
    new.validate().map_err(Fault::Invalid)?;
    let NewNotification { channel, to, subject, body } = new;
    let id = Uuid::now_v7();
    Ok(Message { id, key: id.to_string(), channel, sender: None, to, subject, body })
}

/// Queues a message, once for each key, and answers 202 with it.
///
/// # Errors
/// What `outgoing` fails with.
pub async fn queue(
    outgoing: &dyn Outgoing,
    ctx: &Ctx,
    key: Option<IdempotencyKey>,
    message: Message,
) -> Result<Answer> {
    let Once { value, replayed } = outgoing.send(ctx, key, vec![message]).await?;
    let queued = value.into_iter().next().ok_or_else(|| Fault::internal("no answer for a message"))?;
    let location = format!("/api/notifications/{}", queued.id);
    Ok(Once { value: queued, replayed }.answer(StatusCode::ACCEPTED)?.at(location))
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
