//! Messages to people.

use async_trait::async_trait;
use chassis::{
    Ctx, Fault,
    idempotency::{IdempotencyKey, Once},
};
use domain::{Message, Notification};
use uuid::Uuid;

/// Messages, queued and delivered.
#[async_trait]
pub trait Notify: Send + Sync {
    /// Queues messages, all or none, in this order. One whose [`Message::key`] is queued already is not queued again: the
    /// answer is the one that is. `key` is a client's, for all of them.
    async fn send(
        &self,
        ctx: &Ctx,
        key: Option<IdempotencyKey>,
        messages: Vec<Message>,
    ) -> Result<Once<Vec<Notification>>, Fault>;

    /// How far a message has come. [`Fault::NotFound`] for an unknown one.
    async fn find(&self, ctx: &Ctx, id: Uuid) -> Result<Notification, Fault>;
}
