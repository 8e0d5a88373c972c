//! `/api/tasks`

use automator_backlog::{
    history::Who,
    order::{after, behind, day_of, sort_key},
};
use automator_github::items::{self, ItemRow};
use automator_ranking::Score;
use axum::{Json, extract::State as Shared};
use chassis::{
    Fault, Problem,
    etag::{IfMatch, Versioned},
    extract::{Json as JsonBody, Path, Query},
};
use domain::{Page, Rice, Status, Task, TaskChange, TaskQuery};
use sqlx::FromRow;
use store::{
    On, Sql, cursor,
    time::{date, time, today},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{Result, app::State, tasks};

/// The routes of tasks.
pub fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get, update))
}

/// A task as it is stored, with its item.
#[derive(Debug, FromRow)]
struct Row {
    id: String,
    status: String,
    assignee: Option<String>,
    due_day: Option<i64>,
    reach: f64,
    impact: f64,
    confidence: f64,
    effort: f64,
    score: f64,
    rank: Option<i64>,
    version: i64,
    task_updated_at: i64,
    #[sqlx(flatten)]
    item: ItemRow,
}

impl TryFrom<Row> for Task {
    type Error = Fault;

    /// # Errors
    /// [`Fault::Internal`] for a row that we cannot have written.
    fn try_from(row: Row) -> Result<Self, Fault> {
        let Row { reach, impact, confidence, effort, .. } = row;
        Ok(Self {
            id: row.id.parse().map_err(Fault::internal)?,
            status: row.status.parse().map_err(Fault::internal)?,
            assignee: row.assignee.as_deref().map(str::parse).transpose().map_err(Fault::internal)?,
            due_date: row.due_day.map(date).transpose()?,
            rice: Rice { reach, impact, confidence, effort },
            score: row.score,
            rank: row.rank,
            version: row.version,
            updated_at: time(row.task_updated_at),
            item: row.item.try_into()?,
        })
    }
}

/// Of which repositories tasks are shown and ranked.
const TRACKED: &str = "repository_id IN (SELECT id FROM repositories WHERE tracked = 1)";

/// Begins a SELECT from `ranked t`, the tasks that meet `condition`, into `chosen`. The rank counts among all of them,
/// whatever is filtered afterwards.
fn ranked(today: i64, condition: &'static str) -> Sql {
    let mut sql = Sql::new("WITH scored AS (SELECT tasks.*, ");
    sql.push_own(&Score::expression(today)).push(" AS score FROM tasks WHERE ").push(TRACKED);
    // The order of `Sort::Rank`, so that one sort serves both.
    sql.push(" AND ").push(condition).push(
        "), ranked AS (SELECT scored.*, CASE WHEN status = 'done' THEN NULL \
                       ELSE row_number() OVER (ORDER BY -score, opened_at, item_key) END AS rank FROM scored), \
         chosen AS (SELECT t.* FROM ranked t",
    );
    sql
}

/// Begins a SELECT of the task of that id into `chosen`. Its rank is one more than the open tasks before it: to count them
/// costs a sixth of what it costs to number all.
fn one(today: i64, id: &str) -> Sql {
    let score = Score::expression(today);
    let mut sql = Sql::new("WITH others AS (SELECT ");
    sql.push_own(&score).push(" AS score, opened_at, item_key FROM tasks WHERE ").push(TRACKED);
    sql.push(" AND status <> 'done'), scored AS (SELECT tasks.*, ").push_own(&score);
    sql.push(" AS score FROM tasks WHERE ").push(TRACKED).push_bind(" AND id = ", id).push(
        "), chosen AS (SELECT t.*, CASE WHEN t.status = 'done' THEN NULL ELSE 1 + \
            (SELECT count(*) FROM others o \
             WHERE (-o.score, o.opened_at, o.item_key) < (-t.score, t.opened_at, t.item_key)) END AS rank FROM scored t",
    );
    sql
}

/// Ends a SELECT that [`ranked`] or [`one`] began: the rows of those that were chosen.
fn rows(sql: &mut Sql) {
    sql.push(
        ") SELECT t.id, t.status, m.login AS assignee, t.due_day, t.reach, t.impact, t.confidence, t.effort, t.score, t.rank, \
            t.version, t.updated_at AS task_updated_at, ",
    );
    sql.push(items::COLUMNS).push(
        " FROM chosen t JOIN items i ON i.id = t.item_id JOIN repositories r ON r.id = t.repository_id \
          LEFT JOIN members m ON m.id = t.assignee_id",
    );
}

/// A page of tasks.
///
/// # Errors
/// 422 for a cursor of another list.
pub async fn page(state: &State, params: &TaskQuery) -> Result<Page<Task>> {
    let sort = params.sort;
    let today = day_of(params)?;
    let done = params.status == Some(Status::Done);
    let condition = if done { "status = 'done'" } else { "status <> 'done'" };
    let mut sql = ranked(today, condition);
    if params.language.is_some() {
        sql.push(" JOIN repositories r ON r.id = t.repository_id");
    }
    if params.kind.is_some() {
        sql.push(" JOIN items i ON i.id = t.item_id");
    }
    sql.push(" WHERE 1 = 1");
    if let Some(status) = params.status {
        sql.push_bind(" AND t.status = ", status.as_str());
    }
    if let Some(assignee) = &params.assignee {
        sql.push_bind(" AND t.assignee_id = (SELECT id FROM members WHERE login = ", assignee.as_str())
            .push(")");
    }
    if let Some(language) = &params.language {
        sql.push_bind(" AND r.language = ", language.as_str());
    }
    if let Some(kind) = params.kind {
        sql.push_bind(" AND i.kind = ", kind.as_str());
    }
    after(&mut sql, params)?;
    sql.push(" ORDER BY ").push(sort_key(sort)).push(" LIMIT ").bind(cursor::one_more(params.limit));
    rows(&mut sql);
    sql.push(" ORDER BY ").push(sort_key(sort));
    let rows: Vec<Row> = sql.fetch_all(&state.store).await?;
    Ok(cursor::page(rows, params.limit, |last: &Task| behind(sort, today, last.into()))?)
}

/// One task with its rank.
///
/// # Errors
/// 404 unknown task.
pub async fn find(executor: impl Into<On<'_>>, id: Uuid) -> Result<Task> {
    let mut sql = one(today(), &id.to_string());
    rows(&mut sql);
    let rows: Vec<Row> = sql.fetch_all(executor).await?;
    let row = rows.into_iter().next().ok_or_else(|| Fault::NotFound(format!("task {id}")))?;
    Ok(row.try_into()?)
}

/// Tasks in the order of the backlog.
#[utoipa::path(
    get,
    path = "/api/tasks",
    params(TaskQuery),
    responses((status = 200, body = Page<Task>), (status = 422, body = Problem, content_type = "application/problem+json"))
)]
pub async fn list(Shared(state): Shared<State>, Query(params): Query<TaskQuery>) -> Result<Json<Page<Task>>> {
    Ok(Json(page(&state, &params).await?))
}

/// One task. Its `ETag` is its version.
#[utoipa::path(
    get,
    path = "/api/tasks/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Task), (status = 404, body = Problem, content_type = "application/problem+json"))
)]
pub async fn get(Shared(state): Shared<State>, Path(id): Path<Uuid>) -> Result<Versioned<Task>> {
    let task = find(&state.store, id).await?;
    Ok(Versioned { version: task.version, body: task })
}

/// Change status, assignee, due date or RICE factors. From the first factor that a person sets, the
/// factors no longer follow the item.
///
/// # Errors
/// 404 unknown task, 412 when `If-Match` names an older version, 422 naming the field that is wrong.
#[utoipa::path(
    patch,
    path = "/api/tasks/{id}",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag of the version to change")),
    request_body = TaskChange,
    security(("token" = [])),
    responses(
        (status = 200, body = Task),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 412, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn update(
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    JsonBody(change): JsonBody<TaskChange>,
) -> Result<Versioned<Task>> {
    let mut tx = state.store.begin_write().await?;
    let expected = |version| if_match.check(version);
    tasks::change(&state.store, &mut tx, id, &change, expected, Who::Api).await?;
    let task = find(&mut tx, id).await?;
    tx.commit().await?;
    state.rules.wake();
    Ok(Versioned { version: task.version, body: task })
}
