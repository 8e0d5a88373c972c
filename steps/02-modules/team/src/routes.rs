//! `/api/team`

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, patch},
};
use chassis::{
    extract::{Json as JsonBody, Path, Query},
    idempotency::{Answer, Keyed},
};
use domain::{Member, MemberChange, NewMember, Page, PageQuery};
use step_02_contracts::{Ctx, Fault, Team};

type Port = State<Arc<dyn Team>>;

/// The routes of the team, over any team.
pub fn router(team: Arc<dyn Team>) -> Router {
    Router::new()
        .route("/api/team", get(list).post(create))
        .route("/api/team/{login}", patch(change))
        .with_state(team)
}

async fn list(
    State(team): Port,
    ctx: Ctx,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Member>>, Fault> {
    Ok(Json(team.page(&ctx, query).await?))
}

async fn create(
    State(team): Port,
    ctx: Ctx,
    Keyed(key, JsonBody(new)): Keyed<JsonBody<NewMember>>,
) -> Result<Answer, Fault> {
    let joined = team.join(&ctx, key, new).await?;
    Ok(joined.answer(StatusCode::CREATED)?.at(format!("/api/team/{}", joined.value.login)))
}

async fn change(
    State(team): Port,
    ctx: Ctx,
    Path(login): Path<String>,
    JsonBody(change): JsonBody<MemberChange>,
) -> Result<Json<Member>, Fault> {
    Ok(Json(team.change(&ctx, &login, change).await?))
}
