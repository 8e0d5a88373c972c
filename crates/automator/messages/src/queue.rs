//! The queue of messages: rows, and the workers that hand them to the providers.

use std::time::Duration;

use chassis::{
    Fault,
    background::Background,
    idempotency::{IdempotencyKey, Once},
    serve::Stop,
};
use domain::{Message, Notification, NotificationStatus};
use sqlx::FromRow;
use store::{
    Query, Store, Tx, idempotency, lease::Lease, query, queue::Queue, retry::RetryPolicy, time::time,
};
use uuid::Uuid;

use crate::{
    outcome::{LOCKED_OUT, Outcome},
    providers::Providers,
    queued::Queued,
};

/// What the gauge of the queue says of itself.
const QUEUED: &str = "Messages to people that wait to be sent.";

/// How long a worker may hold a message: one call of a provider and the note of its answer, with half a
/// second to spare. It is also what a killed worker costs a message.
const LEASE: Duration = Duration::from_millis(7_500);

/// How many messages of a channel a process hands over at once.
const AT_ONCE: usize = 4;

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

/// The workers of one process: a queue for each channel, so that neither waits for the other's provider.
#[derive(Debug, Clone)]
pub struct Messenger {
    store: Store,
    /// The table of clients' idempotency keys.
    keys: &'static str,
    providers: Providers,
    retries: RetryPolicy,
    mails: Queue,
    texts: Queue,
}

impl Messenger {
    /// Workers that hand messages to `providers`. Clients' idempotency keys are kept in the table `keys`.
    #[must_use]
    pub fn new(store: Store, keys: &'static str, providers: Providers, retries: RetryPolicy) -> Self {
        let queue = |condition| Queue::new(store.clone(), "messages", condition, LEASE, AT_ONCE);
        let mails = queue("status = 'queued' AND channel = 'email'");
        let texts = queue("status = 'queued' AND channel = 'sms'");
        Self { store, keys, providers, retries, mails, texts }
    }

    /// Queues messages, all or none, in this order. One whose [`Message::key`] is queued already is not queued again: the answer is
    /// the one that is. `key` is a client's, for all of them.
    ///
    /// # Errors
    /// [`Fault::Taken`] when the id of a message is another one's; the database's, or a key that was another request's.
    pub async fn send(
        &self,
        key: Option<IdempotencyKey>,
        messages: Vec<Message>,
    ) -> Result<Once<Vec<Notification>>, Fault> {
        let queued = idempotency::once_for(&self.store, self.keys, key, async |tx| {
            let mut queued = Vec::with_capacity(messages.len());
            for message in &messages {
                queued.push(queue(tx, message).await?);
            }
            Ok::<_, Fault>(queued)
        })
        .await?;
        self.mails.wake();
        self.texts.wake();
        Ok(queued)
    }

    /// A message and how far it has come.
    ///
    /// # Errors
    /// [`Fault::NotFound`], or the database's.
    pub async fn find(&self, id: Uuid) -> Result<Notification, Fault> {
        let sql = format!("SELECT {COLUMNS} FROM messages WHERE id = $1");
        let row: Option<Row> = Query::assembled(sql).bind(id.to_string()).fetch_optional(&self.store).await?;
        row.ok_or_else(|| Fault::NotFound(format!("notification {id}")))?.try_into()
    }

    /// How many messages wait to be sent; `None` when the database does not say.
    async fn queued(&self) -> Option<i64> {
        self.store.count("SELECT count(*) FROM messages WHERE status = 'queued'").await.ok()
    }

    /// Works in a process until it stops, with a gauge that tells how many messages wait. What is with a provider then is waited for.
    ///
    /// # Errors
    /// There is such a gauge already.
    pub fn work(self, background: &mut Background) -> anyhow::Result<()> {
        background.metrics.gauge("notifications_queued", QUEUED, &self, |messenger| async move {
            messenger.queued().await
        })?;
        let stop = background.stop.clone();
        background.work(tracing::info_span!("messenger"), self.run(stop));
        Ok(())
    }

    async fn run(self, stop: Stop) {
        let deliver = |lease| {
            let (messenger, stop) = (self.clone(), stop.clone());
            async move { messenger.deliver(&lease, &stop).await }
        };
        tokio::join!(self.mails.run(stop.clone(), deliver), self.texts.run(stop.clone(), deliver));
    }

    /// Hands one message over; for how long its channel shall rest then.
    async fn deliver(&self, lease: &Lease, stop: &Stop) -> Duration {
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
        // The provider may have it by now: what is not written down goes out again.
        if lease.noted(stop, || self.note(lease, &end)).await != Some(true) {
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
        let age = store::time::age(message.created_at);
        let ended = |status, reason| End { status, reason, pause: Duration::ZERO };
        let (retries, reason, after) = match outcome {
            Outcome::Sent => return (ended(NotificationStatus::Sent, None), Duration::ZERO),
            Outcome::Refused(reason) => {
                return (ended(NotificationStatus::Failed, Some(reason)), Duration::ZERO);
            }
            Outcome::LockedOut(reason) => {
                tracing::error!(reason, "a provider does not let us send; see its credentials");
                (RetryPolicy { age: self.retries.age.min(LOCKED_OUT), ..self.retries }, reason, None)
            }
            Outcome::Later { reason, after } => (self.retries, reason, after),
        };
        let end = match retries.pause(message.attempts + 1, age, after) {
            Some(pause) => End { status: NotificationStatus::Queued, reason: Some(reason), pause },
            None => {
                let reason = format!("given up after {} minutes: {reason}", age.as_secs() / 60);
                ended(NotificationStatus::Failed, Some(reason))
            }
        };
        (end, after.unwrap_or_default())
    }

    /// Writes down how an attempt ended; `false` when somebody else has the message by now.
    async fn note(&self, lease: &Lease, end: &End) -> Result<bool, store::Error> {
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

/// How an attempt ended.
struct End {
    status: NotificationStatus,
    reason: Option<String>,
    /// Before the next attempt.
    pause: Duration,
}
