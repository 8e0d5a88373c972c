//! Does what rules decided: one row, one action, under a lease.
//!
//! An action on a task is done in the transaction that says so: once, whatever is killed when. A message is handed over under
//! a key, and noted then: whoever is killed in between hands over the same one. A comment is GitHub's, which takes no key: it
//! is made twice when the worker is killed between GitHub's answer and our note of it.

use std::{sync::Arc, time::Duration};

use chassis::{Ctx, Fault, serve::Stop};
use domain::{Action, Channel, Message, Notify, Recipient, RiceChange, TaskChange};
use sqlx::FromRow;
use store::{Sql, Store, Tx, lease::Lease, query, queue::Queue};
use uuid::Uuid;

use crate::{
    Result,
    github::client::{Github, GithubError},
    history::Who,
    notify::{Outgoing, Patience},
    tasks,
};

/// How long a worker may hold an action; what a killed one costs.
pub const LEASE: Duration = Duration::from_millis(7_500);

/// How long it may take to hand messages over: less than the lease.
const HANDOVER: Duration = Duration::from_secs(5);

/// How many actions a process does at once.
pub const AT_ONCE: usize = 2;

/// The workers of one process.
#[derive(Debug, Clone)]
pub struct Ruler {
    store: Store,
    github: Option<Github>,
    outgoing: Arc<dyn Outgoing>,
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
    node_id: String,
    title: String,
    url: String,
    task_id: Option<String>,
    assignee: Option<String>,
}

/// How an attempt ended.
#[derive(Debug)]
pub enum Outcome {
    /// It is done.
    Done,
    /// It will never be done.
    Failed(String),
    /// It may be done later.
    Later(String),
}

impl Outcome {
    /// Of an action on our own tables.
    ///
    /// # Errors
    /// What may be another the next time.
    pub fn of(result: Result<(), Fault>) -> Result<Self, Fault> {
        match result {
            Ok(()) => Ok(Self::Done),
            // What is wrong with it does not change by itself.
            Err(Fault::Invalid(errors)) => {
                let all: Vec<_> =
                    errors.into_iter().map(|error| format!("{} {}", error.field, error.message)).collect();
                Ok(Self::Failed(all.join("; ")))
            }
            Err(Fault::NotFound(what)) => Ok(Self::Failed(format!("{what} not found"))),
            Err(fault) => Err(fault),
        }
    }
}

/// Writes down in `table` how attempt `attempts + 1` at an action that was decided at `created_at` ended; `false` when the
/// action is no longer ours, and nothing may be written.
///
/// # Errors
/// The database's.
pub async fn note(
    tx: &mut Tx,
    table: &'static str,
    lease: &Lease,
    patience: &Patience,
    (attempts, created_at): (i64, i64),
    outcome: &Outcome,
) -> Result<bool, store::Error> {
    let age = Duration::from_millis(u64::try_from(store::now() - created_at).unwrap_or(0));
    let (status, reason, pause) = match outcome {
        Outcome::Done => ("done", None, Duration::ZERO),
        Outcome::Failed(reason) => ("failed", Some(reason.clone()), Duration::ZERO),
        Outcome::Later(reason) => match patience.pause(attempts + 1, age, None) {
            Some(pause) => ("pending", Some(reason.clone()), pause),
            None => ("failed", Some(format!("given up: {reason}")), Duration::ZERO),
        },
    };
    if !lease.end(tx, pause).await? {
        return Ok(false);
    }
    if let Some(reason) = &reason {
        tracing::warn!(action = lease.id(), status, reason, "an action did not work");
    }
    let mut sql = Sql::new("UPDATE ");
    sql.push(table).push_bind(" SET attempts = attempts + 1, version = version + 1, status = ", status);
    sql.push_bind(", reason = ", reason).push_bind(", updated_at = ", store::now());
    sql.push_bind(" WHERE id = ", lease.id());
    sql.execute(tx).await?;
    Ok(true)
}

/// What the texts of an action may speak of.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'s> {
    /// `{key}` of the item.
    pub key: &'s str,
    /// `{title}` of the item.
    pub title: &'s str,
    /// `{url}` of the item.
    pub url: &'s str,
    /// `{author}`: whoever set the rule off.
    pub author: &'s str,
}

impl Subject<'_> {
    /// A text with its placeholders filled, in one pass: what an item's title says is never a placeholder.
    #[must_use]
    pub fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            filled.push_str(before);
            let values =
                [("key}", self.key), ("title}", self.title), ("url}", self.url), ("author}", self.author)];
            match values.iter().find_map(|(name, value)| Some((behind.strip_prefix(name)?, value))) {
                Some((behind, value)) => {
                    filled.push_str(value);
                    rest = behind;
                }
                None => {
                    filled.push('{');
                    rest = behind;
                }
            }
        }
        filled.push_str(rest);
        filled
    }
}

/// The message that a rule's action sends to a member, under the key of this action and the member.
#[must_use]
pub fn message(
    action_id: &str,
    rule_name: &str,
    notify: &Notify,
    subject: &Subject<'_>,
    (login, to): (&str, String),
) -> Message {
    let about = matches!(notify.channel, Channel::Email).then(|| format!("{rule_name}: {}", subject.key));
    Message {
        id: Uuid::now_v7(),
        key: format!("action {action_id} {login}"),
        channel: notify.channel,
        sender: None,
        to,
        subject: about,
        body: subject.fill(&notify.text),
    }
}

/// The fault of a message that reaches nobody.
#[must_use]
pub fn nobody(notify: &Notify) -> Fault {
    let nobody = match notify.channel {
        Channel::Email => format!("nobody to reach: {}", notify.to),
        Channel::Sms => format!("nobody with a phone number: {}", notify.to),
    };
    Fault::invalid("notify.to", nobody)
}

impl Ruler {
    /// Workers that comment through `github` and hand messages to `outgoing`.
    #[must_use]
    pub fn new(
        store: Store,
        github: Option<Github>,
        outgoing: Arc<dyn Outgoing>,
        patience: Patience,
    ) -> Self {
        let queue = Queue::new(store.clone(), "rule_actions", "status = 'pending'", LEASE, AT_ONCE);
        Self { store, github, outgoing, patience, queue }
    }

    /// Tells the workers that a rule may have decided something.
    pub fn wake(&self) {
        self.queue.wake();
    }

    /// How many actions are to be done; `None` when the database does not say.
    pub async fn pending(&self) -> Option<i64> {
        self.store.count("SELECT count(*) FROM rule_actions WHERE status = 'pending'").await.ok()
    }

    /// Works until `stop`.
    pub async fn run(self, stop: Stop) {
        let act = |lease| {
            let ruler = self.clone();
            async move {
                if let Err(error) = ruler.act(&lease).await {
                    let error: &dyn std::error::Error = &error;
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

    async fn act(&self, lease: &Lease) -> Result<()> {
        let row: Row = query(
            "SELECT r.rule_name, r.author, a.action, a.attempts, a.created_at, i.item_key, i.node_id, i.title, i.url, \
                    t.id AS task_id, m.login AS assignee \
             FROM rule_actions a JOIN rule_runs r ON r.id = a.run_id JOIN items i ON i.id = r.item_id \
             LEFT JOIN tasks t ON t.item_id = i.id LEFT JOIN members m ON m.id = t.assignee_id WHERE a.id = $1",
        )
        .bind(lease.id())
        .fetch_one(&self.store)
        .await?;
        let action = match serde_json::from_str(&row.action) {
            Ok(action) => action,
            Err(error) => return self.end(lease, &row, Outcome::Failed(error.to_string())).await,
        };
        match action {
            Action::Comment(text) => {
                let outcome = self.comment(&row, &text).await;
                self.end(lease, &row, outcome).await
            }
            Action::Notify(message) => {
                let handed_over = self.notify(lease, &row, &message).await;
                let outcome = Outcome::of(handed_over.map_err(Fault::from))?;
                self.end(lease, &row, outcome).await
            }
            action => self.change(lease, &row, &action).await,
        }
    }

    /// An action on our own tables, together with the note that it is done.
    async fn change(&self, lease: &Lease, row: &Row, action: &Action) -> Result<()> {
        let mut tx = self.store.begin_write().await?;
        let changed = self.change_in(&mut tx, row, action).await;
        let outcome = Outcome::of(changed.map_err(Fault::from))?;
        match outcome {
            Outcome::Done => {
                if self.note(&mut tx, lease, row, &outcome).await? {
                    tx.commit().await?;
                }
                Ok(())
            }
            failed => {
                drop(tx);
                self.end(lease, row, failed).await
            }
        }
    }

    async fn change_in(&self, tx: &mut Tx, row: &Row, action: &Action) -> Result<()> {
        let change = match action {
            Action::SetStatus(status) => TaskChange { status: Some(*status), ..TaskChange::default() },
            Action::Assign(login) => {
                TaskChange { assignee: Some(Some(login.clone())), ..TaskChange::default() }
            }
            Action::AddReach(reach) => {
                let task = row.task()?;
                let reach = tasks::reach(&self.store, tx, task).await?.map(|now| now + reach);
                let reach = reach.map(|reach| reach.clamp(0.0, domain::Rice::MAX_REACH));
                TaskChange {
                    rice: Some(RiceChange { reach, ..RiceChange::default() }),
                    ..TaskChange::default()
                }
            }
            // Not ours to change: see `act`.
            Action::Comment(_) | Action::Notify(_) => return Ok(()),
        };
        tasks::change(&self.store, tx, row.task()?, &change, |_| Ok(()), Who::Rule(&row.rule_name)).await
    }

    /// Hands over a message for each recipient, under the key of this action and the recipient.
    async fn notify(&self, lease: &Lease, row: &Row, message: &Notify) -> Result<()> {
        let recipients = recipients(&self.store, row, message).await?;
        if recipients.is_empty() {
            return Err(nobody(message).into());
        }
        let messages = recipients
            .into_iter()
            .map(|(login, to)| {
                self::message(lease.id(), &row.rule_name, message, &row.subject(), (&login, to))
            })
            .collect();
        self.outgoing.send(&Ctx::background(HANDOVER), None, messages).await?;
        Ok(())
    }

    async fn comment(&self, row: &Row, text: &str) -> Outcome {
        let Some(github) = &self.github else { return Outcome::Failed("GITHUB_TOKEN is not set".to_owned()) };
        match github.comment(&row.node_id, &row.subject().fill(text)).await {
            Ok(()) => Outcome::Done,
            Err(error @ GithubError::Refused(_)) => Outcome::Failed(error.to_string()),
            Err(error @ GithubError::Unavailable(_)) => Outcome::Later(error.to_string()),
        }
    }

    /// Writes down how an attempt ended.
    async fn end(&self, lease: &Lease, row: &Row, outcome: Outcome) -> Result<()> {
        let mut tx = self.store.begin_write().await?;
        if self.note(&mut tx, lease, row, &outcome).await? {
            tx.commit().await?;
        }
        Ok(())
    }

    async fn note(&self, tx: &mut Tx, lease: &Lease, row: &Row, outcome: &Outcome) -> Result<bool> {
        let times = (row.attempts, row.created_at);
        Ok(note(tx, "rule_actions", lease, &self.patience, times, outcome).await?)
    }
}

impl Row {
    /// The task of the item.
    fn task(&self) -> Result<Uuid, Fault> {
        let missing = || Fault::NotFound(format!("a task about {}", self.item_key));
        self.task_id.as_deref().ok_or_else(missing)?.parse().map_err(Fault::internal)
    }

    fn subject(&self) -> Subject<'_> {
        Subject { key: &self.item_key, title: &self.title, url: &self.url, author: &self.author }
    }
}

/// Who gets a message, by login, and where it reaches them.
async fn recipients(store: &Store, row: &Row, message: &Notify) -> Result<Vec<(String, String)>> {
    let recipient = message.recipient().map_err(Fault::internal)?;
    let login = match &recipient {
        Recipient::OnCall => None,
        Recipient::Member(login) => Some(login.as_str()),
        Recipient::Assignee => match &row.assignee {
            Some(login) => Some(login.as_str()),
            None => return Ok(Vec::new()),
        },
    };
    let column = match message.channel {
        Channel::Email => "email",
        Channel::Sms => "phone",
    };
    let mut sql = Sql::new("SELECT login, ");
    sql.push(column).push(" FROM members WHERE active = 1 AND ").push(column).push(" IS NOT NULL AND ");
    match login {
        Some(login) => sql.push_bind("login = ", login),
        None => sql.push("on_call = 1"),
    };
    sql.push(" ORDER BY login");
    Ok(sql.fetch_all(store).await?)
}
