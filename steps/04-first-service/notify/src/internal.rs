//! What other services ask: `/internal/messages`. The gateway never leads there.
//!
//! It is the port [`Notify`] spelt in HTTP, no more: who calls it knows its messages by their keys, and may call again.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    middleware,
    routing::{get, post},
};
use chassis::{
    Problem,
    auth::{self, Secret},
    extract::{Json as JsonBody, Path},
    http,
    idempotency::{Answer, IdempotencyKey, Keyed},
};
use domain::{Channel, FieldError, Message, Notification};
use serde::{Deserialize, Serialize};
use step_02_contracts::{Ctx, Fault, Notify, Once};
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

/// The longest body, in bytes: a digest for every member of a large team.
const LONGEST_BATCH: usize = 8 * 1024 * 1024;
/// How many messages a batch may have.
const MOST: usize = 1_000;
/// The longest key of a message, and the longest address, in characters.
const LONGEST_KEY: usize = 400;
const LONGEST_ADDRESS: usize = 254;

type Port = State<Arc<dyn Notify>>;

/// What this router answers, described.
#[derive(OpenApi)]
#[openapi(paths(send, find), components(schemas(Problem)))]
pub struct Document;

/// The routes between services, over any `notify`.
pub fn router(notify: Arc<dyn Notify>, token: Option<Secret>) -> Router {
    let routes = Router::new()
        .route("/internal/messages", post(send))
        .route("/internal/messages/{id}", get(find))
        .with_state(notify)
        .layer(middleware::from_fn_with_state(token, auth::services));
    http::limited(routes, LONGEST_BATCH)
}

/// Messages that belong together. A field that we do not know is no reason to refuse it: whoever sends it may be newer.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Batch {
    /// At most 1,000; queued all or none, in this order.
    messages: Vec<Message>,
    /// The request of a client that they come of. Then `Idempotency-Key` is the key that the client gave it.
    #[serde(default)]
    request: Option<ClientRequest>,
}

/// A request of a client's, as its idempotency key is kept: so that it is the same whoever takes it.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ClientRequest {
    /// Method and path.
    route: String,
    /// SHA-256 of the body in hex.
    fingerprint: String,
}

/// Messages that are queued.
#[derive(Debug, Serialize, ToSchema)]
pub struct Queued {
    /// In the order of the messages; where one with the same key was queued before, that one.
    notifications: Vec<Notification>,
}

/// Have messages queued, once for each of their keys.
///
/// # Errors
/// 401 without the token of our services, 409 when the id of a message is another one's, 422 naming the fields.
#[utoipa::path(
    post,
    path = "/internal/messages",
    params(IdempotencyKey),
    request_body = Batch,
    security(("token" = [])),
    responses(
        (status = 202, body = Queued),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn send(
    State(notify): Port,
    ctx: Ctx,
    Keyed(key, JsonBody(batch)): Keyed<JsonBody<Batch>>,
) -> Result<Answer, Fault> {
    batch.check()?;
    let key = key.map(|key| match batch.request {
        Some(ClientRequest { route, fingerprint }) => IdempotencyKey { route, fingerprint, ..key },
        None => key,
    });
    let Once { value: notifications, replayed } = notify.send(&ctx, key, batch.messages).await?;
    Once { value: Queued { notifications }, replayed }.answer(StatusCode::ACCEPTED)
}

/// How far a message has come.
#[utoipa::path(
    get,
    path = "/internal/messages/{id}",
    params(("id" = Uuid, Path)),
    security(("token" = [])),
    responses(
        (status = 200, body = Notification),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn find(State(notify): Port, ctx: Ctx, Path(id): Path<Uuid>) -> Result<Json<Notification>, Fault> {
    Ok(Json(notify.find(&ctx, id).await?))
}

impl Batch {
    /// Whether every message can be queued. What an address looks like, the provider says.
    fn check(&self) -> Result<(), Fault> {
        let mut errors = Vec::new();
        if self.messages.len() > MOST {
            errors.push(FieldError::new("messages", format!("must be at most {MOST}")));
        }
        for (index, message) in self.messages.iter().enumerate() {
            let mut wrong = |field: &str, what: String| {
                errors.push(FieldError::new(format!("messages[{index}].{field}"), what));
            };
            for (field, text, longest) in
                [("key", &message.key, LONGEST_KEY), ("to", &message.to, LONGEST_ADDRESS)]
            {
                if !(1..=longest).contains(&text.chars().count()) || text.chars().any(char::is_control) {
                    wrong(field, format!("must have 1 to {longest} characters in one line"));
                }
            }
            if message.subject.is_some() != (message.channel == Channel::Email) {
                wrong("subject", "is wanted for a mail, and refused for a text message".to_owned());
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Fault::Invalid(errors)) }
    }
}
