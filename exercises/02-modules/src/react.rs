//! Exercise 02.2: react instead of being called.
//!
//! Whoever is given a task gets a mail. At the start backlog asks team and notify inside its own transaction, so that a change
//! waits for them, fails with them, and on SQLite locks them out. Let backlog say what has happened, and let the mail be sent
//! by whoever listens. An event may come twice; the mail goes out once.
//!
//! ```text
//! tx.record(&task.event())?                                   told after the commit, and never without it
//! event.id                                                    the same whenever the same event is delivered
//! BacklogEvent::TaskAssigned { id, assignee, .. } => …        assignee is None when nobody has the task any more
//! mail(ctx, key, id, &login, team, notify).await?             one mail for each key, however often it is asked for
//! cargo workshop verify 02.2                                  does it work?
//! ```

use domain::{Channel, Login, Message};
use step_02_contracts::{BacklogEvent, Ctx, Fault, Maintainers, Notify, Recorded, Tell};
use uuid::Uuid;

/// A task has another assignee, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// The task.
    pub id: Uuid,
    /// Its version since.
    pub version: i64,
    /// Who does it.
    pub assignee: Option<Login>,
    /// Who gave it to them: `api`, `page`, `rule NAME`.
    pub by: String,
}

impl Assigned {
    /// What backlog tells of it.
    #[must_use]
    pub fn event(&self) -> BacklogEvent {
        let Self { id, version, assignee, by } = self.clone();
        BacklogEvent::TaskAssigned { id, version, assignee, by }
    }
}

/// Called by backlog inside the transaction that has changed the task.
///
/// # Errors
/// Then the change has not happened.
// Backlog waits for it, with its transaction open.
pub async fn task_assigned(
    ctx: &Ctx,
    tx: &mut dyn Tell,
    task: &Assigned,
    team: &dyn Maintainers,
    notify: &dyn Notify,
) -> Result<(), Fault> {
    let _ = tx;
    let Some(login) = &task.assignee else { return Ok(()) };
    let key = Uuid::now_v7().to_string();
    mail(ctx, key, task.id, login, team, notify).await
}

/// Called after a commit, with what was recorded in it; once more with the same events when it has failed.
///
/// # Errors
/// What team or notify fails with.
pub async fn on_events(
    ctx: &Ctx,
    events: &[Recorded],
    team: &dyn Maintainers,
    notify: &dyn Notify,
) -> Result<(), Fault> {
    for event in events.iter().filter(|event| event.is_of("backlog")) {
        match event.read()? {
            // An example: nobody gets a mail because a task is there, or stands elsewhere.
            BacklogEvent::TaskCreated { .. } | BacklogEvent::TaskStatusChanged { .. } => {}
            BacklogEvent::TaskAssigned { .. } => {}
        }
    }
    Ok(())
}

/// Queues a mail to a member, unless one with this `key` is queued already; none for whoever has left.
async fn mail(
    ctx: &Ctx,
    key: String,
    task: Uuid,
    login: &Login,
    team: &dyn Maintainers,
    notify: &dyn Notify,
) -> Result<(), Fault> {
    let active = team.active(ctx).await?;
    let Some(member) = active.into_iter().find(|member| member.login == *login) else { return Ok(()) };
    let message = Message {
        id: Uuid::now_v7(),
        key,
        channel: Channel::Email,
        sender: None,
        to: member.email,
        subject: Some("A task is yours".to_owned()),
        body: format!("{}, you were given the task {task}.", member.name),
    };
    notify.send(ctx, None, vec![message]).await.map(drop)
}
