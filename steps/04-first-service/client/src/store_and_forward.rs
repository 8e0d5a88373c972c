//! Keeps what the service for messages does not take now, and hands it over later (pattern: *Store and forward*).
//!
//! A rule's message waits in the row of its action. A digest had no row: the request that asked for it would have failed, and
//! with it the mails of that morning. Here it gets one, under the ids and keys that its messages keep: so what is handed over
//! twice, because nobody knows whether the first time worked, is queued once.
//!
//! Only a request that would fail otherwise is kept: as long as the service answers, this is a call and nothing else.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use chassis::serve::Stop;
use domain::{Message, Notification, NotificationStatus};
use jiff::Timestamp;
use sqlx::{FromRow, migrate::Migrator};
use step_02_contracts::{Ctx, Fault, IdempotencyKey, Notify, Once};
use store::{Store, lease::Lease, query, queue::Queue};
use uuid::Uuid;

/// How long a request waits for the service before its messages are kept instead.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long one attempt to hand over may take, and how long a worker may hold a row for it.
const TIMEOUT: Duration = Duration::from_secs(5);
const LEASE: Duration = Duration::from_millis(7_500);
/// The pause before the next attempt.
const AGAIN: Duration = Duration::from_secs(1);

const WAITING: &str = "status = 'waiting'";

/// [`Notify`] that takes messages also while `notify` is away.
#[derive(Clone)]
pub struct StoreAndForward {
    store: Store,
    notify: Arc<dyn Notify>,
    queue: Queue,
}

impl fmt::Debug for StoreAndForward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreAndForward")
    }
}

impl StoreAndForward {
    /// Hands over to `notify` what is kept in `store`.
    ///
    /// # Errors
    /// The database was not migrated.
    pub async fn new(store: Store, notify: Arc<dyn Notify>) -> Result<Self, store::Error> {
        let kept = store.count("SELECT count(*) FROM handovers").await?;
        tracing::debug!(kept, "ready to hand over");
        let queue = Queue::new(store.clone(), "handovers", WAITING, LEASE, 1);
        Ok(Self { store, notify, queue })
    }

    /// The migrations of its table.
    #[must_use]
    pub fn migrations() -> Migrator {
        sqlx::migrate!()
    }

    /// Hands over until `stop`.
    pub async fn run(self: Arc<Self>, stop: Stop) {
        let queue = self.queue.clone();
        let act = |lease| {
            let handover = self.clone();
            async move {
                if let Err(fault) = handover.hand_over(&lease).await {
                    let error: &dyn std::error::Error = &fault;
                    tracing::warn!(row = lease.id(), error, "a hand-over stumbled; its lease will end");
                }
                Duration::ZERO
            }
        };
        queue.run(stop, act).await;
    }

    async fn hand_over(&self, lease: &Lease) -> Result<(), Fault> {
        let row: Row = query("SELECT route, request_key, fingerprint, messages FROM handovers WHERE id = $1")
            .bind(lease.id())
            .fetch_one(&self.store)
            .await?;
        let (key, messages) = (row.key(), row.messages()?);
        let sent = self.notify.send(&Ctx::background(TIMEOUT), key, messages).await;
        self.note(lease, sent.map(drop)).await.map_err(Fault::from)
    }

    /// Writes down how an attempt ended, if the row is still ours.
    async fn note(&self, lease: &Lease, sent: Result<(), Fault>) -> Result<(), store::Error> {
        let mut tx = self.store.begin_write().await?;
        if !lease.end(&mut tx, AGAIN).await? {
            return Ok(());
        }
        let Err(fault) = sent else {
            query("DELETE FROM handovers WHERE id = $1").bind(lease.id()).execute(&mut tx).await?;
            return tx.commit().await;
        };
        let is_refused = matches!(fault, Fault::Invalid(_) | Fault::Taken(_));
        if is_refused {
            tracing::error!(row = lease.id(), ?fault, "messages that were kept are refused for good");
        }
        query(
            "UPDATE handovers SET status = $1, reason = $2, attempts = attempts + 1, version = version + 1, \
                                  updated_at = $3 WHERE id = $4",
        )
        .bind(if is_refused { "refused" } else { "waiting" })
        .bind(fault.to_string())
        .bind(store::now())
        .bind(lease.id())
        .execute(&mut tx)
        .await?;
        tx.commit().await
    }

    /// What was kept for a request under this key.
    async fn kept(&self, key: &IdempotencyKey) -> Result<Option<Once<Vec<Notification>>>, Fault> {
        let row: Option<(String, String, i64)> = query(
            "SELECT fingerprint, messages, created_at FROM handovers WHERE route = $1 AND request_key = $2",
        )
        .bind(&key.route)
        .bind(&key.key)
        .fetch_optional(&self.store)
        .await?;
        let Some((fingerprint, messages, created_at)) = row else { return Ok(None) };
        if fingerprint != key.fingerprint {
            return Err(IdempotencyKey::reused());
        }
        let messages: Vec<Message> = serde_json::from_str(&messages).map_err(Fault::internal)?;
        Ok(Some(Once { value: queued(&messages, created_at), replayed: true }))
    }

    /// Keeps messages, once for each key.
    async fn keep(
        &self,
        key: Option<IdempotencyKey>,
        messages: &[Message],
    ) -> Result<Once<Vec<Notification>>, Fault> {
        let now = store::now();
        let part = |part: fn(&IdempotencyKey) -> &String| key.as_ref().map(part);
        let inserted = query(
            "INSERT INTO handovers (id, route, request_key, fingerprint, messages, status, attempts, version, \
                                    created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, 'waiting', 0, 1, $6, $6) ON CONFLICT (route, request_key) DO NOTHING",
        )
        .bind(Uuid::now_v7().to_string())
        .bind(part(|key| &key.route))
        .bind(part(|key| &key.key))
        .bind(part(|key| &key.fingerprint))
        .bind(serde_json::to_string(messages).map_err(Fault::internal)?)
        .bind(now)
        .execute(&self.store)
        .await?;
        match key {
            // Somebody else was faster under the same key.
            Some(key) if inserted == 0 => {
                self.kept(&key).await?.ok_or_else(|| Fault::Unavailable("notify".to_owned()))
            }
            _ => {
                tracing::warn!(messages = messages.len(), "kept for a service that does not take them now");
                Ok(Once { value: queued(messages, now), replayed: false })
            }
        }
    }
}

#[async_trait]
impl Notify for StoreAndForward {
    async fn send(
        &self,
        ctx: &Ctx,
        key: Option<IdempotencyKey>,
        messages: Vec<Message>,
    ) -> Result<Once<Vec<Notification>>, Fault> {
        if let Some(key) = &key
            && let Some(kept) = self.kept(key).await?
        {
            return Ok(kept);
        }
        match self.notify.send(&ctx.within(PATIENCE), key.clone(), messages.clone()).await {
            // Unknown counts as not done: each message has its key.
            Err(Fault::Unavailable(_) | Fault::DeadlineExceeded) => self.keep(key, &messages).await,
            answered => answered,
        }
    }

    async fn find(&self, ctx: &Ctx, id: Uuid) -> Result<Notification, Fault> {
        self.notify.find(ctx, id).await
    }
}

/// Messages that the service has not seen, as it will show them when it has.
fn queued(messages: &[Message], at: i64) -> Vec<Notification> {
    let at = Timestamp::from_millisecond(at).unwrap_or_default();
    let queued = |message: &Message| Notification {
        id: message.id,
        channel: message.channel,
        to: message.to.clone(),
        subject: message.subject.clone(),
        status: NotificationStatus::Queued,
        reason: None,
        attempts: 0,
        created_at: at,
        updated_at: at,
    };
    messages.iter().map(queued).collect()
}

/// What was kept, as it is stored.
#[derive(FromRow)]
struct Row {
    route: Option<String>,
    request_key: Option<String>,
    fingerprint: Option<String>,
    messages: String,
}

impl Row {
    fn key(&self) -> Option<IdempotencyKey> {
        let (key, route, fingerprint) =
            (self.request_key.clone()?, self.route.clone()?, self.fingerprint.clone()?);
        Some(IdempotencyKey { key, route, fingerprint })
    }

    fn messages(&self) -> Result<Vec<Message>, Fault> {
        serde_json::from_str(&self.messages).map_err(Fault::internal)
    }
}
