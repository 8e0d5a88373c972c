//! Messages as rows (pattern: *Transactional outbox*): they commit with the change that they tell of, or not at all.

pub(crate) mod rows;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use chassis::{Ctx, Fault, event::Recorded};
use kit_07_events::outbox::{Around, Transaction};
use store::{Error, Recorder, Store, Tx};
use tokio::sync::Notify;

use crate::{feed::Feed, pieces::outbox as piece};

/// How long the feed may take to take messages: less than a lease, after which another relay publishes them too.
pub(crate) const PUBLISH: Duration = Duration::from_secs(4);

/// What a [`Store`] records into: `Store::connect(…).await?.recording(outbox.clone())`.
#[derive(Debug, Default)]
pub struct Outbox {
    pub(crate) wake: Notify,
    /// Known when there is a relay.
    around: OnceLock<(Store, Arc<dyn Feed>)>,
}

impl Outbox {
    /// An outbox; its rows are in the database of whoever records into it.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Learns where its rows are and where they go, from its relay.
    pub(crate) fn attach(&self, store: Store, feed: Arc<dyn Feed>) {
        // A second relay over the same outbox has the same.
        let _ = self.around.set((store, feed));
    }

    fn around(&self) -> Result<&(Store, Arc<dyn Feed>), Fault> {
        self.around.get().ok_or_else(|| Fault::Unavailable("the relay".to_owned()))
    }
}

#[async_trait]
impl Recorder for Outbox {
    async fn before_commit(&self, tx: &mut Tx, messages: &[Recorded]) -> Result<(), Error> {
        let mut in_tx = InTx { tx, error: None };
        let recorded = piece::before_commit(&mut in_tx, self, messages).await;
        match (recorded, in_tx.error) {
            (Ok(()), None) => Ok(()),
            (_, Some(error)) => Err(error),
            (Err(fault), None) => Err(rows::refused(&fault.to_string())),
        }
    }

    fn committed(&self, messages: Vec<Recorded>) {
        piece::committed(self, messages);
    }
}

/// The transaction, as the exercise sees it.
struct InTx<'t> {
    tx: &'t mut Tx,
    /// The database's, which the transaction ends with.
    error: Option<Error>,
}

#[async_trait]
impl Transaction for InTx<'_> {
    async fn insert(&mut self, messages: &[Recorded]) -> Result<(), Fault> {
        rows::insert(self.tx, messages).await.map_err(|error| {
            self.error = Some(error);
            Fault::Unavailable("the outbox".to_owned())
        })
    }
}

#[async_trait]
impl Around for Outbox {
    async fn insert(&self, messages: &[Recorded]) -> Result<(), Fault> {
        let mut tx = self.around()?.0.begin_write().await?;
        rows::insert(&mut tx, messages).await?;
        Ok(tx.commit().await?)
    }

    async fn publish(&self, messages: &[Recorded]) -> Result<(), Fault> {
        self.around()?.1.publish(&Ctx::background(PUBLISH), messages).await
    }

    fn publish_later(&self, messages: Vec<Recorded>) {
        let Some((_, feed)) = self.around.get() else {
            tracing::error!(messages = messages.len(), "messages are lost: there is no feed");
            return;
        };
        let feed = feed.clone();
        tokio::spawn(async move {
            if let Err(fault) = feed.publish(&Ctx::background(PUBLISH), &messages).await {
                tracing::error!(messages = messages.len(), %fault, "messages are lost");
            }
        });
    }

    fn wake_relay(&self) {
        self.wake.notify_one();
    }
}
