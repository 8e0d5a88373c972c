//! Does what rules decided: one row, one action, under a lease.
//!
//! An action on a task is done in the transaction that says so: once, whatever is killed when. A message is handed over under
//! a key, and noted then: whoever is killed in between hands over the same one. A comment is GitHub's, which takes no key: it
//! is made twice when the worker is killed between GitHub's answer and our note of it.
//!
//! Where others are not called but sent a message, the message is what an action leaves behind: it is recorded in the transaction of
//! the note, so that neither is there without the other.

use std::time::Duration;

use async_trait::async_trait;
use chassis::{Ctx, Fault, background::Background, event::Recorded, serve::Stop};
use domain::{
    Action, Addressee, Channel, Notify, Recipient, Rice, RiceChange, TaskChange, ToMembers, Trigger,
};
use sqlx::FromRow;
use store::{Query, Sql, Store, Tx, lease::Lease, queue::Queue, retry::RetryPolicy};

/// How long a worker may hold an action; what a killed one costs.
const LEASE: Duration = Duration::from_millis(7_500);

/// How long an action may ask others; what is left of its lease is for the note.
const TIMEOUT: Duration = Duration::from_secs(6);

/// How many actions a process does at once.
const AT_ONCE: usize = 2;

/// What the gauge of the queue says of itself.
const PENDING: &str = "Actions that rules decided and nobody has done yet.";

/// What a rule decided, as it is stored.
#[derive(Debug, FromRow)]
pub struct Decided {
    /// The rule; it may be gone.
    pub rule_name: String,
    /// What happened: the name of its trigger, and more.
    pub event_key: String,
    /// Whoever set it off.
    pub author: String,
    /// The [`Action`], in JSON.
    pub action: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was decided, epoch ms.
    pub created_at: i64,
    /// The item that it is about.
    pub item_key: String,
}

impl Decided {
    /// Whoever said something that this answers; `None` where nobody has.
    #[must_use]
    pub fn answers(&self) -> Option<&str> {
        let trigger = self.event_key.split_once(' ').map(|(trigger, _)| trigger);
        (trigger == Some(Trigger::CommentAdded.as_str())).then_some(self.author.as_str())
    }
}

/// What an action does, to tables and to others.
#[async_trait]
pub trait Effects: Clone + Send + Sync + 'static {
    /// What an action is about: asked before any transaction begins.
    type About: Send + Sync;

    /// The action of that id.
    async fn find(&self, ctx: &Ctx, id: &str) -> Result<(Decided, Self::About), Fault>;

    /// Changes the task, within `tx`. [`Fault::Invalid`] and [`Fault::NotFound`] for what will never work.
    async fn change(
        &self,
        ctx: &Ctx,
        tx: &mut Tx,
        decided: &Decided,
        about: &Self::About,
        action: &Action,
    ) -> Result<(), Fault>;

    /// Hands over a message for each recipient, under the key of the action of that `id` and the recipient; or has that done by
    /// whoever takes what is answered, which is told with the note that the action is done.
    async fn notify(
        &self,
        ctx: &Ctx,
        id: &str,
        decided: &Decided,
        about: &Self::About,
        notice: &Notify,
    ) -> Result<Option<Recorded>, Fault>;

    /// Comments on the item, or has that done as above. [`Fault::Invalid`] when GitHub refuses it for good.
    async fn comment(
        &self,
        ctx: &Ctx,
        decided: &Decided,
        about: &Self::About,
        text: &str,
    ) -> Result<Option<Recorded>, Fault>;
}

/// The workers of one process.
#[derive(Debug, Clone)]
pub struct RuleWorker<E> {
    store: Store,
    table: &'static str,
    effects: E,
    retries: RetryPolicy,
    queue: Queue,
}

impl<E: Effects> RuleWorker<E> {
    /// Workers off the actions in `table`.
    #[must_use]
    pub fn new(store: Store, table: &'static str, effects: E) -> Self {
        let queue = Queue::new(store.clone(), table, "status = 'pending'", LEASE, AT_ONCE);
        Self { store, table, effects, retries: RetryPolicy::default(), queue }
    }

    /// The queue of actions, for whoever tells the workers that a rule may have decided something.
    #[must_use]
    pub fn queue(&self) -> Queue {
        self.queue.clone()
    }

    /// How many actions are to be done; `None` when the database does not say.
    async fn pending(&self) -> Option<i64> {
        let sql = format!("SELECT count(*) FROM {} WHERE status = 'pending'", self.table);
        let (count,) = Query::assembled(sql).fetch_one(&self.store).await.ok()?;
        Some(count)
    }

    /// Works in a process until it stops, with a gauge that tells how many actions are to be done.
    ///
    /// # Errors
    /// There is such a gauge already.
    pub fn work(self, background: &mut Background) -> anyhow::Result<()> {
        background
            .metrics
            .gauge("rule_actions_pending", PENDING, &self, |worker| async move { worker.pending().await })?;
        let stop = background.stop.clone();
        background.work(tracing::info_span!("rules"), self.run(stop));
        Ok(())
    }

    async fn run(self, stop: Stop) {
        let act = |lease| {
            let (worker, stop) = (self.clone(), stop.clone());
            async move {
                if let Err(fault) = worker.act(&lease, &stop).await {
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
        self.queue.run(stop.clone(), act).await;
    }

    async fn act(&self, lease: &Lease, stop: &Stop) -> Result<(), Fault> {
        let ctx = Ctx::background(TIMEOUT);
        let (decided, about) = self.effects.find(&ctx, lease.id()).await?;
        let asked = match serde_json::from_str(&decided.action) {
            Ok(Action::Comment(text)) => self.effects.comment(&ctx, &decided, &about, &text).await,
            Ok(Action::Notify(notice)) => {
                self.effects.notify(&ctx, lease.id(), &decided, &about, &notice).await
            }
            Ok(action) => return self.change(&ctx, lease, &decided, &about, &action).await,
            Err(error) => Err(Fault::invalid("action", error.to_string())),
        };
        let (asked, wish) = match asked {
            Ok(wish) => (Ok(()), wish),
            Err(fault) => (Err(fault), None),
        };
        // What others cannot do now, they may do later.
        let outcome = Outcome::of(asked).unwrap_or_else(|fault| Outcome::Later(fault.to_string()));
        // What others have done stays done: what is not written down is done again.
        let noted = lease.noted(stop, || self.end(lease, &decided, &outcome, wish.as_ref())).await;
        noted.ok_or_else(|| Fault::Unavailable("the database".to_owned()))
    }

    /// An action on the task, together with the note that it is done.
    async fn change(
        &self,
        ctx: &Ctx,
        lease: &Lease,
        decided: &Decided,
        about: &E::About,
        action: &Action,
    ) -> Result<(), Fault> {
        let mut tx = self.store.begin_write().await?;
        let outcome = Outcome::of(self.effects.change(ctx, &mut tx, decided, about, action).await)?;
        if !matches!(outcome, Outcome::Done) {
            drop(tx);
            return self.end(lease, decided, &outcome, None).await;
        }
        if self.note(&mut tx, lease, decided, &outcome).await? {
            tx.commit().await?;
        }
        Ok(())
    }

    /// Writes down how an attempt ended, and tells what others shall do.
    async fn end(
        &self,
        lease: &Lease,
        decided: &Decided,
        outcome: &Outcome,
        wish: Option<&Recorded>,
    ) -> Result<(), Fault> {
        let mut tx = self.store.begin_write().await?;
        if self.note(&mut tx, lease, decided, outcome).await? {
            if let Some(wish) = wish {
                tx.carry(wish.clone());
            }
            tx.commit().await?;
        }
        Ok(())
    }

    /// Writes down how an attempt ended; `false` when the action is no longer ours, and nothing may be written.
    async fn note(
        &self,
        tx: &mut Tx,
        lease: &Lease,
        decided: &Decided,
        outcome: &Outcome,
    ) -> Result<bool, Fault> {
        let (status, reason, pause) = match outcome {
            Outcome::Done => ("done", None, Duration::ZERO),
            Outcome::Failed(reason) => ("failed", Some(reason.clone()), Duration::ZERO),
            Outcome::Later(reason) => {
                let age = store::time::age(decided.created_at);
                match self.retries.pause(decided.attempts + 1, age, None) {
                    Some(pause) => ("pending", Some(reason.clone()), pause),
                    None => ("failed", Some(format!("given up: {reason}")), Duration::ZERO),
                }
            }
        };
        if !lease.end(tx, pause).await? {
            return Ok(false);
        }
        if let Some(reason) = &reason {
            tracing::warn!(action = lease.id(), status, reason, "an action did not work");
        }
        let mut sql = Sql::new("UPDATE ");
        sql.push(self.table)
            .push_bind(" SET attempts = attempts + 1, version = version + 1, status = ", status);
        sql.push_bind(", reason = ", reason).push_bind(", updated_at = ", store::now());
        sql.push_bind(" WHERE id = ", lease.id());
        sql.execute(tx).await?;
        Ok(true)
    }
}

/// How an attempt ended.
#[derive(Debug)]
enum Outcome {
    /// It is done.
    Done,
    /// It will never be done.
    Failed(String),
    /// It may be done later.
    Later(String),
}

impl Outcome {
    /// # Errors
    /// What may be another the next time.
    fn of(result: Result<(), Fault>) -> Result<Self, Fault> {
        match result {
            Ok(()) => Ok(Self::Done),
            // What is wrong with it does not change by itself.
            Err(Fault::Invalid(errors)) => {
                let told = |error: domain::FieldError| match error.field.as_str() {
                    // The reason in the words of who gave it.
                    "comment" | "action" => error.message,
                    field => format!("{field} {}", error.message),
                };
                Ok(Self::Failed(errors.into_iter().map(told).collect::<Vec<_>>().join("; ")))
            }
            Err(Fault::NotFound(what)) => Ok(Self::Failed(format!("{what} not found"))),
            Err(fault) => Err(fault),
        }
    }
}

/// The change of a task of that `reach` that an action is; `None` for one that is not ours to do.
#[must_use]
pub fn change_of(action: &Action, reach: f64) -> Option<TaskChange> {
    Some(match action {
        Action::SetStatus(status) => TaskChange { status: Some(*status), ..TaskChange::default() },
        Action::Assign(login) => TaskChange { assignee: Some(Some(login.clone())), ..TaskChange::default() },
        Action::AddReach(more) => {
            let reach = Some((reach + more).clamp(0.0, Rice::MAX_REACH));
            TaskChange { rice: Some(RiceChange { reach, ..RiceChange::default() }), ..TaskChange::default() }
        }
        Action::Comment(_) | Action::Notify(_) => return None,
    })
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

/// The message that a rule's action sends to members, under the key of this action.
///
/// # Errors
/// It is for nobody, or nobody knows for whom.
pub fn to_members(
    action_id: &str,
    rule_name: &str,
    notify: &Notify,
    subject: &Subject<'_>,
    assignee: Option<&str>,
) -> Result<ToMembers, Fault> {
    let to = match notify.recipient().map_err(Fault::internal)? {
        Recipient::OnCall => Addressee::OnCall,
        Recipient::Member(login) => Addressee::Member(login),
        Recipient::Assignee => {
            let login = assignee.ok_or_else(|| nobody(notify.channel, &notify.to))?;
            Addressee::Member(login.parse().map_err(Fault::internal)?)
        }
    };
    let about = matches!(notify.channel, Channel::Email).then(|| format!("{rule_name}: {}", subject.key));
    Ok(ToMembers {
        key: format!("action {action_id}"),
        channel: notify.channel,
        to,
        subject: about,
        body: subject.fill(&notify.text),
    })
}

/// The fault of a message that reaches nobody.
#[must_use]
pub fn nobody(channel: Channel, to: &str) -> Fault {
    let nobody = match channel {
        Channel::Email => format!("nobody to reach: {to}"),
        Channel::Sms => format!("nobody with a phone number: {to}"),
    };
    Fault::invalid("notify.to", nobody)
}
