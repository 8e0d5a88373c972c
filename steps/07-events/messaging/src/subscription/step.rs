//! One message on its way into an effect, as the exercise sees it: consumer, transaction and delivery.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use chassis::{Ctx, Fault, event::Recorded};
use kit_07_events::inbox::{Consumer, Delivery, Transaction};
use store::{Error, OnConstraint, Tx, query};
use uuid::Uuid;

use super::{ASK, Inner};
use crate::feed::Delivered;

pub(super) struct Step {
    of: Arc<Inner>,
    pub(super) delivered: Arc<Delivered>,
    /// How far the consumer has to be at least.
    follows: i64,
    void: AtomicBool,
    passed: Arc<AtomicBool>,
}

impl Step {
    pub(super) fn new(of: Arc<Inner>, delivered: Delivered, follows: i64) -> Self {
        let (void, passed) = (AtomicBool::new(false), Arc::default());
        Self { of, delivered: Arc::new(delivered), follows, void, passed }
    }

    /// Whether the consumer has begun again since the message was read: then it comes in its turn, behind those before it.
    pub(super) fn is_void(&self) -> bool {
        self.void.load(Ordering::Relaxed)
    }

    /// A transaction in which the message may be taken.
    pub(super) async fn begin(&self) -> Result<Tx, Fault> {
        let (tx, position) = self.of.begin().await?;
        if position < self.follows {
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
        let tx = Self::begin(self).await?;
        let (of, delivered, passed) = (self.of.clone(), self.delivered.clone(), self.passed.clone());
        Ok(Box::new(InTx { tx, of, delivered, passed }))
    }
}

/// A transaction of the consumer.
struct InTx {
    tx: Tx,
    of: Arc<Inner>,
    delivered: Arc<Delivered>,
    passed: Arc<AtomicBool>,
}

#[async_trait]
impl Transaction for InTx {
    async fn insert_once(&mut self, consumer: &str, message: Uuid) -> Result<bool, Fault> {
        Ok(insert_once(&mut self.tx, consumer, message).await?)
    }

    async fn is_there(&mut self, consumer: &str, message: Uuid) -> Result<bool, Fault> {
        let row: Option<(i64,)> = query("SELECT taken_at FROM inbox WHERE consumer = $1 AND message_id = $2")
            .bind(consumer)
            .bind(message.to_string())
            .fetch_optional(&mut self.tx)
            .await?;
        Ok(row.is_some())
    }

    async fn insert(&mut self, consumer: &str, message: Uuid) -> Result<(), Fault> {
        query("INSERT INTO inbox (consumer, message_id, taken_at) VALUES ($1, $2, $3)")
            .bind(consumer)
            .bind(message.to_string())
            .bind(store::now())
            .execute(&mut self.tx)
            .await
            .map(drop)
            .on_unique_violation("inbox.consumer, inbox.message_id", || Fault::Taken(message.to_string()))
    }

    async fn apply(&mut self, _: &Recorded) -> Result<(), Fault> {
        self.of.apply_in_order(&mut self.tx, &self.delivered).await
    }

    async fn commit(mut self: Box<Self>) -> Result<(), Fault> {
        self.of.pass(&mut self.tx, self.delivered.position).await?;
        self.tx.commit().await?;
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
        // Nothing was to be done, and nothing was committed: it is behind us all the same.
        if !self.passed.load(Ordering::Relaxed) {
            let mut tx = Self::begin(self).await?;
            self.of.pass(&mut tx, self.delivered.position).await?;
            tx.commit().await?;
        }
        self.of.feed.done(&Ctx::background(ASK), &self.delivered).await
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
