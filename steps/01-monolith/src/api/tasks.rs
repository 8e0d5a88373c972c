//! `/api/tasks`

use automator_backlog::{
    history::Who,
    order::{after, behind, day_of, first_rank, sort_key},
};
use automator_github::items::{self, ItemRow};
use automator_ranking::Score;
use axum::{Json, extract::State as Shared};
use chassis::{
    Fault, Problem,
    etag::{IfMatch, Versioned},
    extract::{Json as JsonBody, Path, Query},
};
use domain::{Page, Rice, Task, TaskChange, TaskQuery};
use sqlx::FromRow;
use store::{
    On, Sql, cursor,
    time::{date, time},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    Result,
    state::State,
    tasks::{self, TABLES},
};

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

/// The columns of a [`Row`] but for its rank, from `tasks t`, and what they are joined from.
fn select(sql: &mut Sql) {
    sql.push(
        "SELECT t.id, t.status, m.login AS assignee, t.due_day, t.reach, t.impact, t.confidence, t.effort, \
                0.0 - t.precedence AS score, t.version, t.updated_at AS task_updated_at, ",
    );
    sql.push(items::COLUMNS);
}

const JOINED: &str = " JOIN items i ON i.id = t.item_id JOIN repositories r ON r.id = t.repository_id \
                      LEFT JOIN members m ON m.id = t.assignee_id";

/// The tasks with their precedence on a day other than today: those of a list that was begun before midnight, which keeps its order.
fn tasks_on(day: i64) -> String {
    let columns = "id, item_id, repository_id, item_key, opened_at, status, assignee_id, due_day, reach, impact, confidence, effort, \
                   version, updated_at";
    format!("(SELECT {columns}, -{} AS precedence FROM tasks)", Score::expression(day))
}

/// A page of tasks.
///
/// # Errors
/// 422 for a cursor of another list.
pub async fn page(state: &State, params: &TaskQuery) -> Result<Page<Task>> {
    let (sort, day) = (params.sort, day_of(params)?);
    let today = state.scores.today().await?;
    let tasks = if day == today { TABLES.tasks.to_owned() } else { tasks_on(day) };
    let first_rank = first_rank(params)?;
    let mut sql = Sql::new("WITH chosen AS (SELECT t.* FROM ");
    sql.push_own(&tasks).push(" t JOIN repositories r ON r.id = t.repository_id AND r.tracked = 1");
    if params.kind.is_some() {
        sql.push(" JOIN items i ON i.id = t.item_id");
    }
    match params.status {
        Some(status) => sql.push_bind(" WHERE t.status = ", status.as_str()),
        None => sql.push(" WHERE t.status <> 'done'"),
    };
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
    sql.push(" ORDER BY ").push(sort_key(sort)).push_own(&cursor::limit(params.limit)).push(") ");
    select(&mut sql);
    let (rank, ranks) = match first_rank {
        Some(_) => ("CAST(NULL AS BIGINT)".to_owned(), String::new()),
        None if day == today => (TABLES.counts.rank(TABLES.tasks), String::new()),
        None => TABLES.counts.numbered(&tasks),
    };
    sql.push(", ").push_own(&rank).push(" AS rank FROM chosen t").push_own(&ranks);
    sql.push(JOINED).push(" ORDER BY ").push(sort_key(sort));
    let mut rows: Vec<Row> = sql.fetch_all(&state.store).await?;
    if let Some(first) = first_rank {
        (first..).zip(&mut rows).for_each(|(rank, row)| row.rank = Some(rank));
    }
    Ok(cursor::page(rows, params.limit, |last: &Task| behind(sort, day, last.into()))?)
}

/// One task with its rank, which is one more than the open tasks before it. The scores have to be those of today.
///
/// # Errors
/// 404 unknown task.
pub async fn find(on: impl Into<On<'_>>, id: Uuid) -> Result<Task> {
    let mut sql = Sql::default();
    select(&mut sql);
    sql.push(", ").push_own(&TABLES.counts.rank(TABLES.tasks)).push(" AS rank FROM tasks t").push(JOINED);
    sql.push_bind(" WHERE r.tracked = 1 AND t.id = ", id.to_string());
    let row: Option<Row> = sql.fetch_optional(on).await?;
    Ok(row.ok_or_else(|| Fault::NotFound(format!("task {id}")))?.try_into()?)
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
    state.scores.today().await?;
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
    state.scores.today().await?;
    let mut tx = state.store.begin_write().await?;
    let expected = |version| if_match.check(version);
    tasks::change(&state.store, &mut tx, id, &change, expected, Who::Api).await?;
    let task = find(&mut tx, id).await?;
    tx.commit().await?;
    state.rules.wake();
    Ok(Versioned { version: task.version, body: task })
}
