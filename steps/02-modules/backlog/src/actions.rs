//! Does what rules decided: one row, one action, under a lease.
//!
//! In step 01 a message was queued in the transaction that noted its action as done. Messages are notify's now: the call
//! comes first, under a key that makes it the same message however often it is made, and the note after it. Whoever is
//! killed in between calls again, and nothing is queued twice.

use std::{collections::HashSet, time::Duration};

use chassis::serve::Stop;
use domain::{
    Action, Channel, Item, ItemKey, Login, Member, Notify as Notice, Recipient, RiceChange, TaskChange,
};
use sqlx::FromRow;
use step_01_monolith::{
    history::Who,
    notify::Patience,
    rules::actions::{AT_ONCE, LEASE, Outcome, Subject, message, nobody, note},
};
use step_02_contracts::{Ctx, Fault};
use store::{Store, Tx, lease::Lease, query, queue::Queue};
use uuid::Uuid;

use crate::{
    Ports,
    assigned::Assignments,
    task::{self, Stored},
};

/// How long an action may ask others; what is left of its lease is for the note.
const TIMEOUT: Duration = Duration::from_secs(6);

const TABLE: &str = "backlog_actions";

/// The workers of one process.
#[derive(Clone)]
pub(crate) struct Ruler {
    store: Store,
    ports: Ports,
    assignments: Assignments,
    patience: Patience,
    queue: Queue,
}

/// An action as it is stored.
#[derive(Debug, FromRow)]
struct Row {
    rule_name: String,
    author: String,
    action: String,
    attempts: i64,
    created_at: i64,
    item_key: String,
    assignee: Option<String>,
}

impl Ruler {
    /// Workers over `store` that ask `ports`.
    pub(crate) fn new(store: Store, ports: Ports, assignments: Assignments) -> Self {
        let queue = Queue::new(store.clone(), TABLE, "status = 'pending'", LEASE, AT_ONCE);
        Self { store, ports, assignments, patience: Patience::default(), queue }
    }

    /// Tells the workers that a rule may have decided something.
    pub(crate) fn wake(&self) {
        self.queue.wake();
    }

    /// Works until `stop`.
    pub(crate) async fn run(&self, stop: Stop) {
        let act = |lease| {
            let ruler = self.clone();
            async move {
                if let Err(fault) = ruler.act(&lease).await {
                    let error: &dyn std::error::Error = &fault;
                    tracing::warn!(
                        action = lease.id(),
                        error,
                        "an action stumbled; it is taken up again when its lease ends"
                    );
                }
                Duration::ZERO
            }
        };
        self.queue.run(stop, act).await;
    }

    async fn act(&self, lease: &Lease) -> Result<(), Fault> {
        let ctx = Ctx::background(TIMEOUT);
        let row: Row = query(
            "SELECT r.rule_name, r.author, a.action, a.attempts, a.created_at, r.item_key, t.assignee \
             FROM backlog_actions a JOIN backlog_runs r ON r.id = a.run_id \
             LEFT JOIN backlog_tasks t ON t.item_key = r.item_key WHERE a.id = $1",
        )
        .bind(lease.id())
        .fetch_one(&self.store)
        .await?;
        let key: ItemKey = row.item_key.parse().map_err(Fault::internal)?;
        let outcome = match serde_json::from_str(&row.action) {
            Ok(Action::Comment(text)) => self.comment(&ctx, &row, &key, &text).await,
            Ok(Action::Notify(notice)) => later(self.notify(&ctx, lease, &row, &key, &notice).await),
            Ok(action) => return self.change(&ctx, lease, &row, &key, &action).await,
            Err(error) => Outcome::Failed(error.to_string()),
        };
        let mut tx = self.store.begin_write().await?;
        if self.note(&mut tx, lease, &row, &outcome).await? {
            tx.commit().await?;
        }
        Ok(())
    }

    /// An action on the task, together with the note that it is done.
    async fn change(
        &self,
        ctx: &Ctx,
        lease: &Lease,
        row: &Row,
        key: &ItemKey,
        action: &Action,
    ) -> Result<(), Fault> {
        let maintainers: HashSet<Login> = match action {
            Action::Assign(_) => self.members(ctx).await?.into_iter().map(|member| member.login).collect(),
            _ => HashSet::new(),
        };
        let mut tx = self.store.begin_write().await?;
        let outcome = Outcome::of(self.change_in(ctx, &mut tx, row, key, action, &maintainers).await)?;
        if !matches!(outcome, Outcome::Done) {
            drop(tx);
            tx = self.store.begin_write().await?;
        }
        if self.note(&mut tx, lease, row, &outcome).await? {
            tx.commit().await?;
        }
        Ok(())
    }

    async fn change_in(
        &self,
        ctx: &Ctx,
        tx: &mut Tx,
        row: &Row,
        key: &ItemKey,
        action: &Action,
        maintainers: &HashSet<Login>,
    ) -> Result<(), Fault> {
        let id: Uuid = domain::task_id(key);
        let missing = || Fault::NotFound(format!("a task about {key}"));
        let stored = Stored::find(&self.store, tx, id).await?.ok_or_else(missing)?;
        let change = match action {
            Action::SetStatus(status) => TaskChange { status: Some(*status), ..TaskChange::default() },
            Action::Assign(login) => {
                TaskChange { assignee: Some(Some(login.clone())), ..TaskChange::default() }
            }
            Action::AddReach(reach) => {
                let reach = Some((stored.fields.reach + reach).clamp(0.0, domain::Rice::MAX_REACH));
                let rice = RiceChange { reach, ..RiceChange::default() };
                TaskChange { rice: Some(rice), ..TaskChange::default() }
            }
            // Not ours to change: see `act`.
            Action::Comment(_) | Action::Notify(_) => return Ok(()),
        };
        let who = Who::Rule(&row.rule_name);
        match task::change(&self.store, tx, id, &change, None, who, maintainers).await? {
            Some(assigned) => self.assignments.tell(ctx, tx, &assigned).await,
            None => Ok(()),
        }
    }

    /// Has a message queued for each recipient.
    async fn notify(
        &self,
        ctx: &Ctx,
        lease: &Lease,
        row: &Row,
        key: &ItemKey,
        notice: &Notice,
    ) -> Result<(), Fault> {
        let recipients = recipients(self.members(ctx).await?, row.assignee.as_deref(), notice)?;
        if recipients.is_empty() {
            return Err(nobody(notice));
        }
        let item = self.item(ctx, key).await?;
        let subject = row.subject(&item);
        let messages = recipients
            .into_iter()
            .map(|(login, to)| message(lease.id(), &row.rule_name, notice, &subject, (login.as_str(), to)))
            .collect();
        self.ports.notify.send(ctx, None, messages).await.map(drop)
    }

    async fn comment(&self, ctx: &Ctx, row: &Row, key: &ItemKey, text: &str) -> Outcome {
        let commented = async {
            let item = self.item(ctx, key).await?;
            self.ports.github.comment(ctx, key, &row.subject(&item).fill(text)).await
        };
        match commented.await {
            // The reason in GitHub's words, as step 01 gave it.
            Err(Fault::Invalid(errors)) => {
                Outcome::Failed(errors.into_iter().map(|error| error.message).collect::<Vec<_>>().join("; "))
            }
            other => later(other),
        }
    }

    async fn members(&self, ctx: &Ctx) -> Result<Vec<Member>, Fault> {
        self.ports.team.active(ctx).await
    }

    async fn item(&self, ctx: &Ctx, key: &ItemKey) -> Result<Item, Fault> {
        let mut found = self.ports.github.items(ctx, std::slice::from_ref(key)).await?;
        found.remove(key).ok_or_else(|| Fault::NotFound(format!("item {key}")))
    }

    async fn note(&self, tx: &mut Tx, lease: &Lease, row: &Row, outcome: &Outcome) -> Result<bool, Fault> {
        let times = (row.attempts, row.created_at);
        note(tx, TABLE, lease, &self.patience, times, outcome).await.map_err(Fault::from)
    }
}

impl Row {
    fn subject<'r>(&'r self, item: &'r Item) -> Subject<'r> {
        Subject { key: &self.item_key, title: &item.title, url: &item.url, author: &self.author }
    }
}

/// How an attempt that asked others ended: what they cannot do now, they may do later.
fn later(result: Result<(), Fault>) -> Outcome {
    Outcome::of(result).unwrap_or_else(|fault| Outcome::Later(fault.to_string()))
}

/// Who gets a message, and where it reaches them.
fn recipients(
    active: Vec<Member>,
    assignee: Option<&str>,
    notice: &Notice,
) -> Result<Vec<(Login, String)>, Fault> {
    let recipient = notice.recipient().map_err(Fault::internal)?;
    let is_meant = |member: &Member| match &recipient {
        Recipient::OnCall => member.on_call,
        Recipient::Member(login) => member.login == *login,
        Recipient::Assignee => assignee == Some(member.login.as_str()),
    };
    let reach = |member: Member| match notice.channel {
        Channel::Email => Some((member.login, member.email)),
        Channel::Sms => Some((member.login, member.phone?)),
    };
    Ok(active.into_iter().filter(is_meant).filter_map(reach).collect())
}
