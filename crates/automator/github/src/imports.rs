//! Imports as rows: started, and how far they are. [`crate::import`] works them off.

use chassis::Fault;
use domain::{Import, Kind};
use sqlx::FromRow;
use store::{On, Tx, query, time::time};
use uuid::Uuid;

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
pub async fn find(executor: impl Into<On<'_>>, id: &str) -> Result<Import, Fault> {
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
    row.ok_or_else(|| Fault::NotFound(format!("import {id}")))?.try_into()
}

/// The id of the import that is under way from now on: a new one, unless there is one.
///
/// # Errors
/// The database's.
pub async fn start(tx: &mut Tx) -> Result<String, Fault> {
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
    Err(Fault::Unavailable("a place for another import".to_owned()))
}

/// Writes the lists that a new import has to read, and forgets the deliveries that nobody sends again.
async fn fill(tx: &mut Tx, id: &str) -> Result<(), Fault> {
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
