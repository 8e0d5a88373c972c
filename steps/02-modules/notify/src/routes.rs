//! `/api/notifications`, and the tutorial's `/email` and `/sms`

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use chassis::{
    extract::{Json as JsonBody, Path},
    idempotency::{Answer, IdempotencyKey, Keyed},
};
use domain::{Message, NewNotification, Notification};
use step_01_monolith::api::{
    legacy::{LegacyEmail, LegacySms},
    notifications,
};
use step_02_contracts::{Ctx, Fault, Notify, Once};
use uuid::Uuid;

type Port = State<Arc<dyn Notify>>;

/// The routes of messages, over any `notify`.
pub fn router(notify: Arc<dyn Notify>) -> Router {
    Router::new()
        .route("/api/notifications", post(create))
        .route("/api/notifications/{id}", get(find))
        .route("/email", post(email))
        .route("/sms", post(sms))
        .with_state(notify)
}

async fn create(
    State(notify): Port,
    ctx: Ctx,
    Keyed(key, JsonBody(new)): Keyed<JsonBody<NewNotification>>,
) -> Result<Answer, Fault> {
    send(&*notify, &ctx, key, notifications::message(new)?).await
}

async fn email(
    State(notify): Port,
    ctx: Ctx,
    Keyed(key, JsonBody(mail)): Keyed<JsonBody<LegacyEmail>>,
) -> Result<Answer, Fault> {
    send(&*notify, &ctx, key, mail.message()?).await
}

async fn sms(
    State(notify): Port,
    ctx: Ctx,
    Keyed(key, JsonBody(text)): Keyed<JsonBody<LegacySms>>,
) -> Result<Answer, Fault> {
    send(&*notify, &ctx, key, text.message()?).await
}

/// Queues one message and answers 202 with it.
async fn send(
    notify: &dyn Notify,
    ctx: &Ctx,
    key: Option<IdempotencyKey>,
    message: Message,
) -> Result<Answer, Fault> {
    let Once { value, replayed } = notify.send(ctx, key, vec![message]).await?;
    let queued = value.into_iter().next().ok_or_else(|| Fault::internal("no answer for a message"))?;
    let location = format!("/api/notifications/{}", queued.id);
    Ok(Once { value: queued, replayed }.answer(StatusCode::ACCEPTED)?.at(location))
}

async fn find(State(notify): Port, ctx: Ctx, Path(id): Path<Uuid>) -> Result<Json<Notification>, Fault> {
    Ok(Json(notify.find(&ctx, id).await?))
}
