//! `/api/notifications`, and the tutorial's `/email` and `/sms`

use std::sync::Arc;

use automator_messages::request::{LegacyEmail, LegacySms, accepted, message};
use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use chassis::{
    extract::{Json as JsonBody, Path},
    idempotency::{Answer, Keyed},
};
use domain::{NewNotification, Notification};
use step_02_contracts::{Ctx, Fault, Notify};
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
    accepted(notify.send(&ctx, key, vec![message(new)?]).await?)
}

async fn email(
    State(notify): Port,
    ctx: Ctx,
    Keyed(key, JsonBody(mail)): Keyed<JsonBody<LegacyEmail>>,
) -> Result<Answer, Fault> {
    accepted(notify.send(&ctx, key, vec![mail.message()?]).await?)
}

async fn sms(
    State(notify): Port,
    ctx: Ctx,
    Keyed(key, JsonBody(text)): Keyed<JsonBody<LegacySms>>,
) -> Result<Answer, Fault> {
    accepted(notify.send(&ctx, key, vec![text.message()?]).await?)
}

async fn find(State(notify): Port, ctx: Ctx, Path(id): Path<Uuid>) -> Result<Json<Notification>, Fault> {
    Ok(Json(notify.find(&ctx, id).await?))
}
