//! One message on its way into an effect, as the exercise sees it: consumer, transaction and delivery.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use chassis::{Fault, event::Recorded};
use kit_07_events::inbox::{Consumer, Delivery, Transaction};
use store::{Error, Tx, query};
use tokio::sync::{Mutex, OwnedMutexGuard};
use uuid::Uuid;

use super::Inner;
use crate::feed::{Delivered, Place};

pub(super) struct Step {
    of: Arc<Inner>,
    pub(super) delivered: Arc<Delivered>,
    /// How far the consumer has to be at least.
    follows: Place,
    void: AtomicBool,
    passed: Arc<AtomicBool>,
    batch: Option<Arc<Batch>>,
}

/// A transaction in which several messages are taken.
pub(super) struct Batch {
    tx: Arc<Mutex<Option<Tx>>>,
    /// One of them was not to be committed.
    is_spoiled: AtomicBool,
}

impl Batch {
    pub(super) fn new(tx: Tx) -> Arc<Self> {
        Arc::new(Self { tx: Arc::new(Mutex::new(Some(tx))), is_spoiled: AtomicBool::new(false) })
    }

    /// The transaction, if all of it may be committed.
    pub(super) fn finish(&self) -> Option<Tx> {
        let tx = self.tx.try_lock().ok()?.take()?;
        (!self.is_spoiled.load(Ordering::Relaxed)).then_some(tx)
    }
}

impl Step {
    /// A message in a transaction of its own.
    pub(super) fn new(of: Arc<Inner>, delivered: Arc<Delivered>, follows: Place) -> Self {
        let (void, passed) = (AtomicBool::new(false), Arc::default());
        Self { of, delivered, follows, void, passed, batch: None }
    }

    /// A message in the transaction of several.
    pub(super) fn in_batch(of: Arc<Inner>, delivered: Arc<Delivered>, batch: &Arc<Batch>) -> Self {
        Self { batch: Some(batch.clone()), ..Self::new(of, delivered, Place::default()) }
    }

    /// Whether the consumer has begun again since the message was read: then it comes in its turn, behind those before it.
    pub(super) fn is_void(&self) -> bool {
        self.void.load(Ordering::Relaxed)
    }

    /// A transaction in which the message may be taken.
    pub(super) async fn begin(&self) -> Result<Tx, Fault> {
        let (tx, here) = self.of.begin().await?;
        if !here.has_come_to(&self.follows) {
            self.void.store(true, Ordering::Relaxed);
            return Err(Fault::Unavailable("its place in the feed".to_owned()));
        }
        Ok(tx)
    }
}

#[async_trait]
impl Consumer for Step {
    fn name(&self) -> &str {
        self.of.consumer.name()
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, Fault> {
        let within = match &self.batch {
            None => Within::Own(Self::begin(self).await?),
            Some(batch) => {
                let tx = batch.tx.clone().try_lock_owned();
                Within::Batch(
                    tx.map_err(|_| Fault::Unavailable("the transaction".to_owned()))?,
                    batch.clone(),
                )
            }
        };
        let (of, delivered, passed) = (self.of.clone(), self.delivered.clone(), self.passed.clone());
        Ok(Box::new(InTx { within, of, delivered, passed }))
    }
}

/// Where a message is taken.
enum Within {
    Own(Tx),
    Batch(OwnedMutexGuard<Option<Tx>>, Arc<Batch>),
    /// It is over.
    Nowhere,
}

/// A transaction of the consumer.
struct InTx {
    within: Within,
    of: Arc<Inner>,
    delivered: Arc<Delivered>,
    passed: Arc<AtomicBool>,
}

impl InTx {
    fn tx(&mut self) -> Result<&mut Tx, Fault> {
        let tx = match &mut self.within {
            Within::Own(tx) => Some(tx),
            Within::Batch(tx, _) => tx.as_mut(),
            Within::Nowhere => None,
        };
        tx.ok_or_else(|| Fault::Unavailable("the transaction".to_owned()))
    }
}

impl Drop for InTx {
    /// What is dropped never happened; in a transaction of several, none of them has.
    fn drop(&mut self) {
        if let Within::Batch(_, batch) = &self.within {
            batch.is_spoiled.store(true, Ordering::Relaxed);
        }
    }
}

#[async_trait]
impl Transaction for InTx {
    async fn insert_once(&mut self, consumer: &str, message: Uuid) -> Result<bool, Fault> {
        Ok(insert_once(self.tx()?, consumer, message).await?)
    }

    async fn is_there(&mut self, consumer: &str, message: Uuid) -> Result<bool, Fault> {
        let row: Option<(i64,)> = query("SELECT taken_at FROM inbox WHERE consumer = $1 AND message_id = $2")
            .bind(consumer)
            .bind(message.to_string())
            .fetch_optional(self.tx()?)
            .await?;
        Ok(row.is_some())
    }

    async fn insert(&mut self, consumer: &str, message: Uuid) -> Result<(), Fault> {
        let is_new = insert_once(self.tx()?, consumer, message).await?;
        if is_new { Ok(()) } else { Err(Fault::Taken(format!("message {message}"))) }
    }

    async fn apply(&mut self, _: &Recorded) -> Result<(), Fault> {
        let (of, delivered) = (self.of.clone(), self.delivered.clone());
        of.apply_in_order(self.tx()?, &delivered).await
    }

    async fn commit(mut self: Box<Self>) -> Result<(), Fault> {
        // That of several commits when all of them are taken.
        if let Within::Own(mut tx) = std::mem::replace(&mut self.within, Within::Nowhere) {
            self.of.pass(&mut tx, &self.delivered.place()).await?;
            tx.commit().await?;
        }
        self.passed.store(true, Ordering::Relaxed);
        Ok(())
    }
}

#[async_trait]
impl Delivery for Step {
    fn message(&self) -> &Recorded {
        &self.delivered.message
    }

    async fn acknowledge(&self) -> Result<(), Fault> {
        // The feed is told of several when they have committed.
        if self.batch.is_some() {
            return Ok(());
        }
        // Nothing was to be done, and nothing was committed: it is behind us all the same.
        if !self.passed.load(Ordering::Relaxed) {
            let mut tx = Self::begin(self).await?;
            self.of.pass(&mut tx, &self.delivered.place()).await?;
            tx.commit().await?;
        }
        self.of.done(&self.delivered).await;
        Ok(())
    }
}

/// Inserts the row (consumer, message) unless it is there; whether it was inserted.
pub(super) async fn insert_once(tx: &mut Tx, consumer: &str, message: Uuid) -> Result<bool, Error> {
    let inserted = query(
        "INSERT INTO inbox (consumer, message_id, taken_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(consumer)
    .bind(message.to_string())
    .bind(store::now())
    .execute(tx)
    .await?;
    Ok(inserted == 1)
}

/// Notes that a message is taken now, also when that was noted before.
pub(super) async fn note(tx: &mut Tx, consumer: &str, message: Uuid) -> Result<(), Error> {
    query(
        "INSERT INTO inbox (consumer, message_id, taken_at) VALUES ($1, $2, $3) \
         ON CONFLICT (consumer, message_id) DO UPDATE SET taken_at = excluded.taken_at",
    )
    .bind(consumer)
    .bind(message.to_string())
    .bind(store::now())
    .execute(tx)
    .await?;
    Ok(())
}
