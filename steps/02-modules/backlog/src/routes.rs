//! `/api/tasks` and `/api/rules`

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{delete, get},
};
use chassis::{
    etag::{IfMatch, Versioned},
    extract::{Json as JsonBody, Path, Query},
    idempotency::{Answer, Keyed},
};
use domain::{NewRule, Page, PageQuery, Rule, Task, TaskChange, TaskQuery};
use step_02_contracts::{
    Backlog, Ctx, Fault,
    backlog::{By, Update},
};
use uuid::Uuid;

type Port = State<Arc<dyn Backlog>>;

/// The routes of tasks and rules, over any backlog.
pub fn router(backlog: Arc<dyn Backlog>) -> Router {
    Router::new()
        .route("/api/tasks", get(list))
        .route("/api/tasks/{id}", get(find).patch(change))
        .route("/api/rules", get(rules).post(add_rule))
        .route("/api/rules/{id}", delete(remove_rule))
        .with_state(backlog)
}

async fn list(
    State(backlog): Port,
    ctx: Ctx,
    Query(query): Query<TaskQuery>,
) -> Result<Json<Page<Task>>, Fault> {
    Ok(Json(backlog.tasks(&ctx, query).await?))
}

async fn find(State(backlog): Port, ctx: Ctx, Path(id): Path<Uuid>) -> Result<Versioned<Task>, Fault> {
    Ok(versioned(backlog.task(&ctx, id).await?))
}

async fn change(
    State(backlog): Port,
    ctx: Ctx,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    JsonBody(change): JsonBody<TaskChange>,
) -> Result<Versioned<Task>, Fault> {
    let update = Update { id, change, expected: if_match.versions(), by: By::Api };
    Ok(versioned(backlog.change(&ctx, update).await?))
}

fn versioned(task: Task) -> Versioned<Task> {
    Versioned { version: task.version, body: task }
}

async fn rules(
    State(backlog): Port,
    ctx: Ctx,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Rule>>, Fault> {
    Ok(Json(backlog.rules(&ctx, query).await?))
}

async fn add_rule(
    State(backlog): Port,
    ctx: Ctx,
    Keyed(key, JsonBody(new)): Keyed<JsonBody<NewRule>>,
) -> Result<Answer, Fault> {
    let added = backlog.add_rule(&ctx, key, new).await?;
    Ok(added.answer(StatusCode::CREATED)?.at(format!("/api/rules/{}", added.value.id)))
}

async fn remove_rule(State(backlog): Port, ctx: Ctx, Path(id): Path<Uuid>) -> Result<StatusCode, Fault> {
    backlog.remove_rule(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
