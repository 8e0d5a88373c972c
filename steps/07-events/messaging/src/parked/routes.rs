//! What a person is shown and may decide: `/internal/parked`. The gateway never leads there.

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chassis::{
    Fault, Problem,
    auth::{self, Secret},
    event::Recorded,
    extract::Path,
};
use jiff::Timestamp;
use serde::Serialize;
use sqlx::FromRow;
use store::{Store, query};
use utoipa::{OpenApi, ToSchema};

/// How many are shown at most.
const SHOWN: i64 = 100;

/// What this router answers, described.
#[derive(OpenApi)]
#[openapi(paths(list, retry, give_up), components(schemas(Problem)))]
pub struct Document;

/// The routes over the parked messages in `store`, for whoever shows `token`.
pub fn router(store: Store, token: Option<Secret>) -> Router {
    Router::new()
        .route("/internal/parked", get(list))
        .route("/internal/parked/{id}/retry", post(retry))
        .route("/internal/parked/{id}/give-up", post(give_up))
        .with_state(store)
        .layer(middleware::from_fn_with_state(token, auth::services))
}

/// Those that failed and were not given up, oldest first; at most 100.
#[derive(Debug, Serialize, ToSchema)]
struct List {
    parked: Vec<Parked>,
}

/// A message that did not take effect.
#[derive(Debug, Serialize, ToSchema)]
struct Parked {
    id: String,
    /// Who could not take it.
    consumer: String,
    /// Which message.
    message_id: String,
    /// Context and fact, or command.
    kind: String,
    /// What it is about.
    subject: String,
    /// Why it did not take effect the last time.
    reason: String,
    /// How often it was tried.
    tries: i64,
    /// Since when; RFC 3339.
    parked_at: String,
    /// How many messages about the same subject wait behind it.
    waiting: i64,
}

#[derive(FromRow)]
struct Row {
    id: String,
    consumer: String,
    message_id: String,
    subject: String,
    message: String,
    reason: Option<String>,
    tries: i64,
    parked_at: i64,
    waiting: i64,
}

/// The messages that somebody has to decide about.
#[utoipa::path(
    get,
    path = "/internal/parked",
    security(("token" = [])),
    responses(
        (status = 200, body = List),
        (status = 401, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn list(State(store): State<Store>) -> Result<Json<List>, Fault> {
    let rows: Vec<Row> = query(
        "SELECT id, consumer, message_id, subject, message, reason, tries, parked_at, \
             (SELECT count(*) FROM parked AS behind WHERE behind.consumer = parked.consumer \
              AND behind.subject = parked.subject AND behind.state = 'waiting') AS waiting \
         FROM parked WHERE state = 'parked' ORDER BY parked_at, id LIMIT $1",
    )
    .bind(SHOWN)
    .fetch_all(&store)
    .await?;
    let parked = rows.into_iter().map(Parked::try_from).collect::<Result<_, _>>()?;
    Ok(Json(List { parked }))
}

impl TryFrom<Row> for Parked {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let message: Recorded = serde_json::from_str(&row.message).map_err(Fault::internal)?;
        let at = Timestamp::from_millisecond(row.parked_at).map_err(Fault::internal)?;
        Ok(Self {
            id: row.id,
            consumer: row.consumer,
            message_id: row.message_id,
            kind: message.kind,
            subject: row.subject,
            reason: row.reason.unwrap_or_default(),
            tries: row.tries,
            parked_at: at.to_string(),
            waiting: row.waiting,
        })
    }
}

/// Have a message tried again, within two seconds, and after it those that wait behind it.
///
/// # Errors
/// 404 for one that is not there, 409 for one that is not parked.
#[utoipa::path(
    post,
    path = "/internal/parked/{id}/retry",
    params(("id" = String, Path)),
    security(("token" = [])),
    responses(
        (status = 202, description = "It will be tried."),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn retry(State(store): State<Store>, Path(id): Path<String>) -> Result<Response, Fault> {
    decide(&store, &id, "retry").await
}

/// Give a message up: it never takes effect, and those that wait behind it do. It stays in the table, for whoever asks later.
///
/// # Errors
/// 404 for one that is not there, 409 for one that is not parked.
#[utoipa::path(
    post,
    path = "/internal/parked/{id}/give-up",
    params(("id" = String, Path)),
    security(("token" = [])),
    responses(
        (status = 202, description = "It is given up."),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn give_up(State(store): State<Store>, Path(id): Path<String>) -> Result<Response, Fault> {
    decide(&store, &id, "given_up").await
}

/// Has a parked message be in another `state`. Asked again, it is done already.
async fn decide(store: &Store, id: &str, state: &'static str) -> Result<Response, Fault> {
    let decided = query("UPDATE parked SET state = $1 WHERE id = $2 AND state IN ('parked', $1)")
        .bind(state)
        .bind(id)
        .execute(store)
        .await?;
    if decided == 1 {
        return Ok(StatusCode::ACCEPTED.into_response());
    }
    let row: Option<(String,)> =
        query("SELECT state FROM parked WHERE id = $1").bind(id).fetch_optional(store).await?;
    let detail = match row.as_ref().map(|(state,)| state.as_str()) {
        None => return Err(Fault::NotFound(format!("parked message {id}"))),
        Some("given_up") => "this message was given up",
        Some("retry") => "this message is being tried again",
        Some(_) => "this message waits behind one about the same subject; decide about that one first",
    };
    Ok(Problem::new(StatusCode::CONFLICT, "conflict", detail).into_response())
}
