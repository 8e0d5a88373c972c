//! `/api/digests`

use automator_github::items;
use automator_messages::Messenger;
use automator_pages::digest::{self, NAMED};
use axum::{extract::State as Shared, http::StatusCode};
use chassis::{
    Problem,
    extract::Ignored,
    idempotency::{Answer, IdempotencyKey, Keyed, Once},
};
use domain::{Digests, Limit, Member, Message, Task, TaskQuery};
use store::query;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::tasks;
use crate::{Result, state::State};

/// The route of digests.
pub fn router() -> OpenApiRouter<Digester> {
    OpenApiRouter::new().routes(routes!(create))
}

/// What a digest needs.
#[derive(Clone)]
pub struct Digester {
    /// What every handler may use.
    pub state: State,
    /// Takes the mails.
    pub messenger: Messenger,
}

/// Mail every active member their open tasks and what the community waits for.
///
/// # Errors
/// 422 for a wrong idempotency key.
#[utoipa::path(
    post,
    path = "/api/digests",
    params(IdempotencyKey),
    security(("token" = [])),
    responses(
        (status = 202, body = Digests, description = "The mails, as they are queued"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn create(
    Shared(Digester { state, messenger }): Shared<Digester>,
    Keyed(key, Ignored): Keyed<Ignored>,
) -> Result<Answer> {
    let messages = messages(&state, key.as_ref()).await?;
    let Once { value: notifications, replayed } = messenger.send(key, messages).await?;
    Ok(Once { value: Digests { notifications }, replayed }.answer(StatusCode::ACCEPTED)?)
}

/// One message for each member and request: the same when the request is repeated, another one tomorrow.
///
/// # Errors
/// The database's.
pub async fn messages(state: &State, key: Option<&IdempotencyKey>) -> Result<Vec<Message>> {
    let request = key.map_or_else(|| Uuid::now_v7().to_string(), |key| key.key.clone());
    let (waiting, all) = items::waiting(&state.store, NAMED).await?;
    let mut messages = Vec::new();
    for member in automator_team::active(&state.store).await? {
        let (tasks, all_tasks) = open_tasks(state, &member).await?;
        messages.push(digest::mail(&request, member, (&tasks, all_tasks), (&waiting, all)));
    }
    Ok(messages)
}

/// The first tasks of a member by rank, and how many there are.
async fn open_tasks(state: &State, member: &Member) -> Result<(Vec<Task>, i64)> {
    let limit = Limit::try_from(NAMED).unwrap_or_default();
    let params = TaskQuery { assignee: Some(member.login.clone()), limit, ..TaskQuery::default() };
    let tasks = tasks::page(state, &params).await?.items;
    let (all,): (i64,) = query(
        "SELECT count(*) FROM tasks t JOIN members m ON m.id = t.assignee_id JOIN repositories r ON r.id = t.repository_id \
         WHERE m.login = $1 AND t.status <> 'done' AND r.tracked = 1",
    )
    .bind(member.login.as_str())
    .fetch_one(&state.store)
    .await?;
    Ok((tasks, all))
}
