//! `/api/imports`

use axum::{Json, http::StatusCode};
use chassis::{
    Fault, Problem,
    extract::{Ignored, Path},
    idempotency::{Answer, IdempotencyKey, Keyed},
};
use domain::{Import, Kind};
use sqlx::FromRow;
use store::{On, Tx, idempotency, query};
use uuid::Uuid;

use super::{IDEMPOTENCY_KEYS, time};
use crate::{Result, app::State};

/// How often a POST tries to start an import, while another one keeps it from starting and then ends.
const TRIES: usize = 3;

/// How long we know a delivery again, in milliseconds: 30 days. GitHub redelivers for three.
const DELIVERIES_KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;

#[derive(Debug, FromRow)]
struct Row {
    id: String,
    status: String,
    error: Option<String>,
    created_at: i64,
    finished_at: Option<i64>,
    repositories_done: i64,
    repositories_total: i64,
    items_seen: i64,
}

impl TryFrom<Row> for Import {
    type Error = Fault;

    /// # Errors
    /// [`Fault::Internal`] for a row that we cannot have written.
    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self {
            id: row.id.parse().map_err(Fault::internal)?,
            status: row.status.parse().map_err(Fault::internal)?,
            repositories_done: row.repositories_done,
            repositories_total: row.repositories_total,
            items_seen: row.items_seen,
            error: row.error,
            created_at: time(row.created_at),
            finished_at: row.finished_at.map(time),
        })
    }
}

/// How far an import is.
///
/// # Errors
/// 404 for an unknown one.
pub async fn find(executor: impl Into<On<'_>>, id: &str) -> Result<Import> {
    let row: Option<Row> = query(
        "SELECT m.id, m.status, m.error, m.created_at, m.finished_at, \
                CAST(coalesce(sum(l.done), 0) AS BIGINT) AS repositories_done, \
                count(l.repository_id) AS repositories_total, \
                CAST(coalesce(sum(l.items_seen), 0) AS BIGINT) AS items_seen \
         FROM imports m \
         LEFT JOIN (SELECT import_id, repository_id, min(done) AS done, sum(items_seen) AS items_seen \
                    FROM import_lists GROUP BY import_id, repository_id) l ON l.import_id = m.id \
         WHERE m.id = $1 GROUP BY m.id, m.status, m.error, m.created_at, m.finished_at",
    )
    .bind(id)
    .fetch_optional(executor)
    .await?;
    Ok(row.ok_or_else(|| Fault::NotFound(format!("import {id}")))?.try_into()?)
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
pub async fn create(
    state: axum::extract::State<State>,
    Keyed(key, Ignored): Keyed<Ignored>,
) -> Result<Answer> {
    idempotency::once(&state.store, IDEMPOTENCY_KEYS, key, async |tx| {
        let id = start(tx).await?;
        let location = format!("/api/imports/{id}");
        Ok(Answer::json(StatusCode::ACCEPTED, &find(&mut *tx, &id).await?)?.at(location))
    })
    .await
    .inspect(|_| state.importer.wake())
}

/// The id of the import that is under way from now on: a new one, unless there is one.
///
/// # Errors
/// The database's.
pub async fn start(tx: &mut Tx) -> Result<String> {
    for _ in 0..TRIES {
        let id = Uuid::now_v7().to_string();
        let started = query(
            "INSERT INTO imports (id, status, active, version, created_at) VALUES ($1, 'queued', 1, 1, $2) \
             ON CONFLICT (active) DO NOTHING",
        )
        .bind(&id)
        .bind(store::now())
        .execute(&mut *tx)
        .await?;
        if started == 1 {
            fill(tx, &id).await?;
            return Ok(id);
        }
        // The unique index says that one is under way; by now it may have ended.
        let active: Option<(String,)> =
            query("SELECT id FROM imports WHERE active = 1").fetch_optional(&mut *tx).await?;
        if let Some((id,)) = active {
            return Ok(id);
        }
    }
    Err(Fault::Unavailable("a place for another import".to_owned()).into())
}

/// Writes the lists that a new import has to read, and forgets the deliveries that nobody sends again.
async fn fill(tx: &mut Tx, id: &str) -> Result<()> {
    query("DELETE FROM deliveries WHERE received_at < $1")
        .bind(store::now() - DELIVERIES_KEPT_MS)
        .execute(&mut *tx)
        .await?;
    let repositories: Vec<(String,)> =
        query("SELECT id FROM repositories WHERE tracked = 1 ORDER BY name").fetch_all(&mut *tx).await?;
    for (repository,) in &repositories {
        for kind in Kind::ALL {
            query(
                "INSERT INTO import_lists (id, import_id, repository_id, kind, items_seen, done, version) \
                 VALUES ($1, $2, $3, $4, 0, 0, 1)",
            )
            .bind(Uuid::now_v7().to_string())
            .bind(id)
            .bind(repository)
            .bind(kind.as_str())
            .execute(&mut *tx)
            .await?;
        }
    }
    Ok(())
}

/// How far an import is.
#[utoipa::path(
    get,
    path = "/api/imports/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Import), (status = 404, body = Problem, content_type = "application/problem+json"))
)]
pub async fn get(state: axum::extract::State<State>, Path(id): Path<Uuid>) -> Result<Json<Import>> {
    Ok(Json(find(&state.store, &id.to_string()).await?))
}
