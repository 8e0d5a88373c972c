//! Messages to people: queued as rows, handed to SendGrid and Twilio by workers.
//!
//! Owns `messages`. Nobody waits for a provider here: who wants something sent gets the queued message back. The queue, the
//! workers and the providers are what they were; new is that there is one way in, the port.

mod routes;

use async_trait::async_trait;
use automator_messages::{Messenger, Providers};
use chassis::background::Background;
use domain::{Message, Notification};
use sqlx::migrate::Migrator;
use step_02_contracts::{Ctx, Fault, IdempotencyKey, Notify, Once};
use store::{Store, idempotency, retry::RetryPolicy};
use uuid::Uuid;

pub use routes::router;

/// The tables that nobody else reads or writes.
pub const TABLES: [&str; 2] = ["messages", "notify_keys"];

const KEYS: &str = "notify_keys";

/// The migrations of this module.
#[must_use]
pub fn migrations() -> Migrator {
    sqlx::migrate!()
}

/// The module behind its port.
#[derive(Debug, Clone)]
pub struct Module {
    messenger: Messenger,
}

impl Module {
    /// The module over its tables; messages go to `providers`.
    ///
    /// # Errors
    /// The database's.
    pub async fn new(store: Store, providers: Providers) -> Result<Self, Fault> {
        idempotency::forget_old(&store, KEYS).await?;
        let messenger = Messenger::new(store, KEYS, providers, RetryPolicy::default());
        Ok(Self { messenger })
    }

    /// Delivers in a process until it stops.
    ///
    /// # Errors
    /// The process does so already.
    pub fn work(&self, background: &mut Background) -> anyhow::Result<()> {
        self.messenger.clone().work(background)
    }
}

#[async_trait]
impl Notify for Module {
    async fn send(
        &self,
        _: &Ctx,
        key: Option<IdempotencyKey>,
        messages: Vec<Message>,
    ) -> Result<Once<Vec<Notification>>, Fault> {
        self.messenger.send(key, messages).await
    }

    async fn find(&self, _: &Ctx, id: Uuid) -> Result<Notification, Fault> {
        self.messenger.find(id).await
    }
}
