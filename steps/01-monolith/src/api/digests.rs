//! `/api/digests`

use std::fmt::Write;
use store::query;

use axum::http::StatusCode;
use chassis::{
    Ctx, Problem,
    extract::Ignored,
    idempotency::{Answer, IdempotencyKey, Keyed, Once},
};
use domain::{Channel, Digests, Item, Limit, Member, Message, Task, TaskQuery};
use uuid::Uuid;

use super::{items, tasks, team};
use crate::{Result, app::State};

/// How many tasks, and how many of those who wait, a mail names; it says how many there are.
pub const NAMED: u32 = 20;

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
pub async fn create(
    state: axum::extract::State<State>,
    ctx: Ctx,
    Keyed(key, Ignored): Keyed<Ignored>,
) -> Result<Answer> {
    // One message for each member and request: the same when the request is repeated, another one tomorrow.
    let request = key.as_ref().map_or_else(|| Uuid::now_v7().to_string(), |key| key.key.clone());
    let (waiting, all_waiting) = items::waiting(&state.store, NAMED).await?;
    let mut messages = Vec::new();
    for member in team::active(&state.store).await? {
        let (tasks, all_tasks) = open_tasks(&state, &member).await?;
        messages.push(Message {
            id: Uuid::now_v7(),
            key: format!("digest {request} {}", member.login),
            channel: Channel::Email,
            sender: None,
            subject: Some(format!("{all_tasks} open tasks, {all_waiting} waiting")),
            body: text(&member, (&tasks, all_tasks), (&waiting, all_waiting)),
            to: member.email,
        });
    }
    let Once { value: notifications, replayed } = state.outgoing.send(&ctx, key, messages).await?;
    Ok(Once { value: Digests { notifications }, replayed }.answer(StatusCode::ACCEPTED)?)
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

/// The mail, as plain text.
#[must_use]
pub fn text(
    member: &Member,
    (tasks, all_tasks): (&[Task], i64),
    (waiting, all_waiting): (&[Item], i64),
) -> String {
    let mut text = format!("Hello {},\n\nyou have {all_tasks} open tasks.\n", member.name);
    // Writing into a String cannot fail.
    for task in tasks {
        let rank = task.rank.map(|rank| format!("{rank}. ")).unwrap_or_default();
        let due = task.due_date.map(|due| format!(", due {due}")).unwrap_or_default();
        let _ = writeln!(text, "\n{rank}{}\n   {}{due}\n   {}", task.item.title, task.status, task.item.url);
    }
    rest(&mut text, all_tasks, tasks.len());
    let _ = writeln!(text, "\nThe community waits for an answer on {all_waiting} items.");
    for item in waiting {
        let since =
            item.waiting_since.map(|since| since.strftime("%Y-%m-%d").to_string()).unwrap_or_default();
        let _ = writeln!(text, "\n- {} (since {since})\n  {}", item.title, item.url);
    }
    rest(&mut text, all_waiting, waiting.len());
    text
}

/// Says how many more there are than were named.
fn rest(text: &mut String, all: i64, named: usize) {
    let more = all - i64::try_from(named).unwrap_or(all);
    if more > 0 {
        let _ = writeln!(text, "\nand {more} more");
    }
}
