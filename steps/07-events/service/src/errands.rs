//! What a message asks a service to do elsewhere: a call that cannot be part of a transaction.
//!
//! Whoever hears the message writes a row, in the transaction that notes the message as heard; a worker makes the call under a lease, and
//! notes that it is made (pattern: *Inbox* in front of a *Work queue*). Killed between the two, it makes the call again: one that has a key
//! has its effect once, one that has none may have it twice.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chassis::{background::Background, serve::Stop};
use sqlx::migrate::Migrator;
use step_02_contracts::{Ctx, Fault, Recorded};
use store::{Store, Tx, lease::Lease, query, queue::Queue, retry::RetryPolicy};

/// How long a call may take, and how long a worker may hold a row for it.
const TIMEOUT: Duration = Duration::from_secs(6);
const LEASE: Duration = Duration::from_millis(7_500);
/// How many errands a process runs at once.
const AT_ONCE: usize = 2;

/// What the gauge of the queue says of itself.
const WAITING: &str = "Messages that ask for something that nobody has done yet.";

/// Does what messages ask for.
#[async_trait]
pub trait Errand: Send + Sync {
    /// Does it. [`Fault::Invalid`] and [`Fault::NotFound`] for what will never work; for all else it is tried again.
    async fn run(&self, ctx: &Ctx, message: &Recorded) -> Result<(), Fault>;
}

/// The errands of a service.
#[derive(Clone)]
pub struct Errands {
    store: Store,
    errand: Arc<dyn Errand>,
    queue: Queue,
}

impl Errands {
    /// Has `errand` do what waits in `store` and is one of `waiting`: `status = 'waiting'`, and its kinds. Services may share a database.
    pub fn new(store: Store, waiting: &'static str, errand: Arc<dyn Errand>) -> Self {
        let queue = Queue::new(store.clone(), "errands", waiting, LEASE, AT_ONCE);
        Self { store, errand, queue }
    }

    /// The migrations of their table.
    #[must_use]
    pub fn migrations() -> Migrator {
        sqlx::migrate!()
    }

    /// Writes down what `message` asks for, within the transaction of whoever heard it.
    ///
    /// # Errors
    /// The database's.
    pub async fn take(&self, tx: &mut Tx, message: &Recorded) -> Result<(), Fault> {
        let text = serde_json::to_string(message).map_err(Fault::internal)?;
        query(
            "INSERT INTO errands (id, kind, message, status, attempts, version, created_at, updated_at) \
             VALUES ($1, $2, $3, 'waiting', 0, 1, $4, $4) ON CONFLICT (id) DO NOTHING",
        )
        .bind(message.id.to_string())
        .bind(&message.kind)
        .bind(text)
        .bind(store::now())
        .execute(tx)
        .await?;
        Ok(())
    }

    /// There may be something to do.
    pub fn wake(&self) {
        self.queue.wake();
    }

    /// Works in a process until it stops.
    ///
    /// # Errors
    /// There is such a gauge already.
    pub fn work(&self, background: &mut Background) -> anyhow::Result<()> {
        background.metrics.gauge("errands_waiting", WAITING, &self.store, |store| async move {
            store.count("SELECT count(*) FROM errands WHERE status = 'waiting'").await.ok()
        })?;
        let (errands, stop) = (self.clone(), background.stop.clone());
        background.work(tracing::info_span!("errands"), async move { errands.run(stop).await });
        Ok(())
    }

    async fn run(&self, stop: Stop) {
        let act = |lease: Lease| {
            let (errands, stop) = (self.clone(), stop.clone());
            async move {
                if let Err(fault) = errands.act(&lease, &stop).await {
                    let error: &dyn std::error::Error = &fault;
                    tracing::warn!(errand = lease.id(), error, "an errand stumbled; its lease will end");
                }
                Duration::ZERO
            }
        };
        self.queue.run(stop.clone(), act).await;
    }

    async fn act(&self, lease: &Lease, stop: &Stop) -> Result<(), Fault> {
        let (text, attempts, created_at): (String, i64, i64) =
            query("SELECT message, attempts, created_at FROM errands WHERE id = $1")
                .bind(lease.id())
                .fetch_one(&self.store)
                .await?;
        let message: Recorded = serde_json::from_str(&text).map_err(Fault::internal)?;
        let done = self.errand.run(&Ctx::background(TIMEOUT), &message).await;
        let age = store::time::age(created_at);
        // What others have done stays done: what is not written down is done again.
        let noted = lease.noted(stop, || self.note(lease, done.as_ref().err(), attempts, age)).await;
        noted.ok_or_else(|| Fault::Unavailable("the database".to_owned()))
    }

    /// Writes down how an attempt ended, if the row is still ours.
    async fn note(
        &self,
        lease: &Lease,
        fault: Option<&Fault>,
        attempts: i64,
        age: Duration,
    ) -> Result<(), store::Error> {
        let pause = RetryPolicy::default().pause(attempts + 1, age, None);
        let is_final = matches!(fault, Some(Fault::Invalid(_) | Fault::NotFound(_))) || pause.is_none();
        let mut tx = self.store.begin_write().await?;
        if !lease.end(&mut tx, pause.unwrap_or_default()).await? {
            return Ok(());
        }
        let Some(fault) = fault else {
            query("DELETE FROM errands WHERE id = $1").bind(lease.id()).execute(&mut tx).await?;
            return tx.commit().await;
        };
        let reason = reason(fault);
        if is_final {
            tracing::error!(errand = lease.id(), reason, "an errand failed for good");
        } else {
            tracing::warn!(errand = lease.id(), reason, "an errand is put off");
        }
        query(
            "UPDATE errands SET status = $1, reason = $2, attempts = attempts + 1, version = version + 1, updated_at = $3 \
             WHERE id = $4",
        )
        .bind(if is_final { "failed" } else { "waiting" })
        .bind(reason)
        .bind(store::now())
        .bind(lease.id())
        .execute(&mut tx)
        .await?;
        tx.commit().await
    }
}

/// What a fault says, with the fields of a refusal.
fn reason(fault: &Fault) -> String {
    match fault {
        Fault::Invalid(errors) => {
            let told: Vec<_> =
                errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect();
            told.join("; ")
        }
        fault => fault.to_string(),
    }
}
