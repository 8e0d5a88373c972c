//! `/api/team`

use automator_github::waiting;
use automator_team::{insert, joining, page, update};
use axum::{Json, extract::State as Shared, http::StatusCode};
use chassis::{
    Problem,
    extract::{Json as JsonBody, Path, Query},
    idempotency::{Answer, IdempotencyKey, Keyed},
};
use domain::{Member, MemberChange, NewMember, Page, PageQuery};
use store::{Tx, idempotency};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Result,
    state::{IDEMPOTENCY_KEYS, State},
    sync::MEMBERS,
};

/// The routes of the team.
pub fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(change))
}

/// The team by login, with those who left.
#[utoipa::path(
    get,
    path = "/api/team",
    params(PageQuery),
    responses((status = 200, body = Page<Member>), (status = 422, body = Problem, content_type = "application/problem+json"))
)]
pub async fn list(
    Shared(state): Shared<State>,
    Query(params): Query<PageQuery>,
) -> Result<Json<Page<Member>>> {
    Ok(Json(page(&state.store, &params).await?))
}

/// Add a member. From now on what they say on an item counts as a maintainer's word.
///
/// # Errors
/// 409 the login is taken, 422 naming the fields that are wrong.
#[utoipa::path(
    post,
    path = "/api/team",
    params(IdempotencyKey),
    request_body = NewMember,
    security(("token" = [])),
    responses(
        (status = 201, body = Member),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    Shared(state): Shared<State>,
    Keyed(key, JsonBody(new)): Keyed<JsonBody<NewMember>>,
) -> Result<Answer> {
    let member = joining(new)?;
    idempotency::once(&state.store, IDEMPOTENCY_KEYS, key, async |tx| {
        join(tx, &member).await?;
        let location = format!("/api/team/{}", member.login);
        Ok(Answer::json(StatusCode::CREATED, &member)?.at(location))
    })
    .await
}

/// Stores a new member.
///
/// # Errors
/// 409 the login is taken, 422 naming the fields that are wrong.
pub async fn add(state: &State, new: NewMember) -> Result<()> {
    let member = joining(new)?;
    let mut tx = state.store.begin_write().await?;
    join(&mut tx, &member).await?;
    Ok(tx.commit().await?)
}

/// Writes a new member, who has answered from now on what they ever spoke on.
async fn join(tx: &mut Tx, member: &Member) -> Result<()> {
    insert(tx, member).await?;
    waiting::refresh_speaker(tx, MEMBERS, member.login.as_str()).await?;
    Ok(())
}

/// Change a member. Whoever is no longer active stays in the list and keeps their tasks.
///
/// # Errors
/// 404 unknown login, 422 naming the fields that are wrong.
#[utoipa::path(
    patch,
    path = "/api/team/{login}",
    params(("login" = String, Path)),
    request_body = MemberChange,
    security(("token" = [])),
    responses(
        (status = 200, body = Member),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn change(
    Shared(state): Shared<State>,
    Path(login): Path<String>,
    JsonBody(change): JsonBody<MemberChange>,
) -> Result<Json<Member>> {
    Ok(Json(replace(&state, &login, change).await?))
}

/// Stores a changed member.
///
/// # Errors
/// 404 unknown login, 422 naming the fields that are wrong.
pub async fn replace(state: &State, login: &str, change: MemberChange) -> Result<Member> {
    let mut tx = state.store.begin_write().await?;
    let (before, after) = update(&state.store, &mut tx, login, change).await?;
    if after.active != before.active {
        waiting::refresh_speaker(&mut tx, MEMBERS, after.login.as_str()).await?;
    }
    tx.commit().await?;
    Ok(after)
}
