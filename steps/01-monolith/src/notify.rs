//! Messages to people: queued as rows, handed to SendGrid and Twilio by workers.
//!
//! Whoever wants something sent hands it over by [`Outgoing`], under a key that makes it the same message however often it is
//! handed over. A worker
//! claims it with a lease, hands it over and writes down how that ended. Neither provider takes a key, so a message goes
//! out twice when its worker is killed, or cut off, between the provider's answer and our note of it; that window is all
//! that is left, and no message is lost in it.

mod provider;
pub mod sendgrid;
pub mod twilio;

use std::time::Duration;

use async_trait::async_trait;
use chassis::{
    Ctx, Fault,
    idempotency::{IdempotencyKey, Once},
    serve::Stop,
};
use domain::{Message, Notification, NotificationStatus};
use sqlx::FromRow;
use store::{Query, Store, Tx, idempotency, lease::Lease, query, queue::Queue};
use uuid::Uuid;

use self::provider::Outcome;
pub use self::provider::Providers;
use crate::api::{IDEMPOTENCY_KEYS, time};

/// How long a worker may hold a message: one call of a provider and the note of its answer, with half a
/// second to spare. It is also what a killed worker costs a message.
const LEASE: Duration = Duration::from_millis(7_500);

/// How many messages of a channel a process hands over at once.
const AT_ONCE: usize = 4;

/// How long a worker tries to write down how a message ended: less than what a call leaves of the lease.
const NOTE_WITHIN: Duration = Duration::from_secs(2);
/// The pauses in between.
const NOTE_AGAIN: Duration = Duration::from_millis(200);

/// Who takes messages over: the tables of this process, unless somebody else does.
#[async_trait]
pub trait Outgoing: std::fmt::Debug + Send + Sync {
    /// Queues messages, all or none, in this order. One whose [`Message::key`] is queued already is not queued again: the
    /// answer is the one that is. `key` is a client's, for all of them.
    async fn send(
        &self,
        ctx: &Ctx,
        key: Option<IdempotencyKey>,
        messages: Vec<Message>,
    ) -> Result<Once<Vec<Notification>>, Fault>;
}

/// Queues messages into `messages`; a client's key is kept in the table `keys`.
///
/// # Errors
/// The database's, or a key that was another request's.
pub async fn queue_all(
    store: &Store,
    keys: &'static str,
    key: Option<IdempotencyKey>,
    messages: Vec<Message>,
) -> Result<Once<Vec<Notification>>, Fault> {
    idempotency::once_for(store, keys, key, async |tx| {
        let mut queued = Vec::with_capacity(messages.len());
        for message in &messages {
            queued.push(queue(tx, message).await?);
        }
        Ok(queued)
    })
    .await
}

#[async_trait]
impl Outgoing for Messenger {
    async fn send(
        &self,
        _: &Ctx,
        key: Option<IdempotencyKey>,
        messages: Vec<Message>,
    ) -> Result<Once<Vec<Notification>>, Fault> {
        queue_all(&self.store, IDEMPOTENCY_KEYS, key, messages).await.inspect(|_| self.wake())
    }
}

#[derive(Debug, FromRow)]
struct Row {
    id: String,
    channel: String,
    recipient: String,
    subject: Option<String>,
    status: String,
    reason: Option<String>,
    attempts: i64,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for Notification {
    type Error = Fault;

    /// # Errors
    /// [`Fault::Internal`] for a row that we cannot have written.
    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self {
            id: row.id.parse().map_err(Fault::internal)?,
            channel: row.channel.parse().map_err(Fault::internal)?,
            to: row.recipient,
            subject: row.subject,
            status: row.status.parse().map_err(Fault::internal)?,
            reason: row.reason,
            attempts: row.attempts,
            created_at: time(row.created_at),
            updated_at: time(row.updated_at),
        })
    }
}

const COLUMNS: &str = "id, channel, recipient, subject, status, reason, attempts, created_at, updated_at";

/// Queues a message in `tx`; the one that is queued under its key already, if there is one.
///
/// # Errors
/// [`Fault::Taken`] when its id is another message's; the database's.
async fn queue(tx: &mut Tx, message: &Message) -> Result<Notification, Fault> {
    query(
        "INSERT INTO messages (id, message_key, channel, sender, recipient, subject, body, status, attempts, version, \
                               created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 1, $9, $9) ON CONFLICT DO NOTHING",
    )
    .bind(message.id.to_string())
    .bind(&message.key)
    .bind(message.channel.as_str())
    .bind(&message.sender)
    .bind(&message.to)
    .bind(&message.subject)
    .bind(&message.body)
    .bind(NotificationStatus::Queued.as_str())
    .bind(store::now())
    .execute(&mut *tx)
    .await?;
    let sql = format!("SELECT {COLUMNS} FROM messages WHERE message_key = $1");
    let row: Option<Row> = Query::assembled(sql).bind(&message.key).fetch_optional(&mut *tx).await?;
    row.ok_or_else(|| Fault::Taken(format!("message id {}", message.id)))?.try_into()
}

/// A message and how far it has come.
///
/// # Errors
/// [`Fault::NotFound`], or the database's.
pub async fn find(store: &Store, id: Uuid) -> Result<Notification, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM messages WHERE id = $1");
    let row: Option<Row> = Query::assembled(sql).bind(id.to_string()).fetch_optional(store).await?;
    row.ok_or_else(|| Fault::NotFound(format!("notification {id}")))?.try_into()
}

/// When a message that could not be handed over is tried again, and when no more.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The pause after the first attempt; doubled after each further one.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// How old a message may become.
    pub age: Duration,
}

impl Default for Patience {
    /// Half a second at first, five minutes at most, for a day.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            longest: Duration::from_secs(300),
            age: Duration::from_hours(24),
        }
    }
}

impl Patience {
    /// The pause after attempt number `attempt` (from 1) of a message of that `age`, at least as long as the provider
    /// `asked`; `None` when it would be too old by then.
    #[must_use]
    pub fn pause(&self, attempt: i64, age: Duration, asked: Option<Duration>) -> Option<Duration> {
        let doublings = u32::try_from(attempt - 1).unwrap_or(0).min(20);
        let pause =
            self.first.saturating_mul(1 << doublings).min(self.longest).max(asked.unwrap_or_default());
        (age.saturating_add(pause) <= self.age).then_some(pause)
    }
}

/// The workers of one process: a queue for each channel, so that neither waits for the other's provider.
#[derive(Debug, Clone)]
pub struct Messenger {
    store: Store,
    providers: Providers,
    patience: Patience,
    mails: Queue,
    texts: Queue,
}

impl Messenger {
    /// Workers that hand messages to `providers`.
    #[must_use]
    pub fn new(store: Store, providers: Providers, patience: Patience) -> Self {
        let queue = |condition| Queue::new(store.clone(), "messages", condition, LEASE, AT_ONCE);
        let mails = queue("status = 'queued' AND channel = 'email'");
        let texts = queue("status = 'queued' AND channel = 'sms'");
        Self { store, providers, patience, mails, texts }
    }

    /// How many messages wait to be sent; `None` when the database does not say.
    pub async fn queued(&self) -> Option<i64> {
        self.store.count("SELECT count(*) FROM messages WHERE status = 'queued'").await.ok()
    }

    /// Tells the workers that something was queued.
    pub fn wake(&self) {
        self.mails.wake();
        self.texts.wake();
    }

    /// Works until `stop`; what is with a provider then is waited for.
    pub async fn run(self, stop: Stop) {
        let deliver = |lease| {
            let messenger = self.clone();
            async move { messenger.deliver(&lease).await }
        };
        tokio::join!(self.mails.run(stop.clone(), deliver), self.texts.run(stop, deliver));
    }

    /// Hands one message over; for how long its channel shall rest then.
    async fn deliver(&self, lease: &Lease) -> Duration {
        let queued: Result<Queued, _> = query(
            "SELECT channel, sender, recipient, subject, body, attempts, created_at FROM messages WHERE id = $1",
        )
        .bind(lease.id())
        .fetch_one(&self.store)
        .await;
        let message = match queued {
            Ok(message) => message,
            Err(error) => {
                tracing::warn!(message = lease.id(), %error, "cannot read a message; its lease will end");
                return Duration::ZERO;
            }
        };
        let outcome = self.providers.deliver(lease.id(), &message).await;
        let (end, rest) = self.judge(&message, outcome);
        if !self.note(lease, &end).await {
            tracing::error!(
                message = lease.id(),
                status = %end.status,
                "cannot write down how a message ended: it may go out again"
            );
        }
        rest
    }

    /// What an outcome means for a message, and for how long its channel shall rest.
    fn judge(&self, message: &Queued, outcome: Outcome) -> (End, Duration) {
        let age = Duration::from_millis(u64::try_from(store::now() - message.created_at).unwrap_or(0));
        let ended = |status, reason| End { status, reason, pause: Duration::ZERO };
        match outcome {
            Outcome::Sent => (ended(NotificationStatus::Sent, None), Duration::ZERO),
            Outcome::Refused(reason) => (ended(NotificationStatus::Failed, Some(reason)), Duration::ZERO),
            Outcome::Later { reason, after } => {
                let rest = after.unwrap_or_default();
                match self.patience.pause(message.attempts + 1, age, after) {
                    Some(pause) => {
                        (End { status: NotificationStatus::Queued, reason: Some(reason), pause }, rest)
                    }
                    None => {
                        let reason = format!("given up after {} minutes: {reason}", age.as_secs() / 60);
                        (ended(NotificationStatus::Failed, Some(reason)), rest)
                    }
                }
            }
        }
    }

    /// Writes down how an attempt ended, as long as the lease lasts; whether that worked.
    async fn note(&self, lease: &Lease, end: &End) -> bool {
        let written = tokio::time::timeout(NOTE_WITHIN, async {
            loop {
                match self.try_note(lease, end).await {
                    Ok(written) => return written,
                    Err(error) => {
                        tracing::warn!(message = lease.id(), %error, "cannot write down an attempt yet");
                    }
                }
                tokio::time::sleep(NOTE_AGAIN).await;
            }
        });
        written.await.unwrap_or(false)
    }

    async fn try_note(&self, lease: &Lease, end: &End) -> Result<bool, store::Error> {
        let mut tx = self.store.begin_write().await?;
        if !lease.end(&mut tx, end.pause).await? {
            return Ok(false);
        }
        query(
            "UPDATE messages SET status = $1, reason = $2, attempts = attempts + 1, version = version + 1, updated_at = $3 \
             WHERE id = $4",
        )
        .bind(end.status.as_str())
        .bind(&end.reason)
        .bind(store::now())
        .bind(lease.id())
        .execute(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// A message as a worker reads it.
#[derive(Debug, FromRow)]
struct Queued {
    channel: String,
    sender: Option<String>,
    recipient: String,
    subject: Option<String>,
    body: String,
    attempts: i64,
    created_at: i64,
}

/// How an attempt ended.
struct End {
    status: NotificationStatus,
    reason: Option<String>,
    /// Before the next attempt.
    pause: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_end_with_the_messages_age() {
        let patience = Patience::default();
        let young = Duration::from_secs(1);
        let pauses: Vec<_> = (1..=4)
            .filter_map(|attempt| patience.pause(attempt, young, None))
            .map(|p| p.as_millis())
            .collect();
        assert_eq!(pauses, [500, 1_000, 2_000, 4_000]);
        assert_eq!(patience.pause(60, young, None), Some(patience.longest));
        let asked = Duration::from_secs(3_600);
        assert_eq!(patience.pause(1, young, Some(asked)), Some(asked), "as long as the provider asks for");
        assert_eq!(patience.pause(60, patience.age - Duration::from_secs(299), None), None);
        assert!(patience.pause(60, patience.age - Duration::from_secs(300), None).is_some());
    }
}
