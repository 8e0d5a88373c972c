//! Messages to people: queued as rows, handed to SendGrid and Twilio by workers.
//!
//! Owns `messages`. Nobody waits for a provider here: who wants something sent gets the queued message back. The queue, the
//! workers and the providers are step 01's; new is that there is one way in, the port.

mod routes;

use async_trait::async_trait;
use chassis::serve::Stop;
use domain::{Message, Notification};
use sqlx::migrate::Migrator;
use step_01_monolith::notify::{self, Messenger, Patience, Providers};
use step_02_contracts::{Ctx, Fault, IdempotencyKey, Notify, Once};
use store::{Store, idempotency};
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
    store: Store,
    messenger: Messenger,
}

impl Module {
    /// The module over its tables; messages go to `providers`.
    ///
    /// # Errors
    /// The database's.
    pub async fn new(store: Store, providers: Providers) -> Result<Self, Fault> {
        idempotency::forget_old(&store, KEYS).await?;
        let messenger = Messenger::new(store.clone(), providers, Patience::default());
        Ok(Self { store, messenger })
    }

    /// Delivers until `stop`; what is with a provider then is waited for.
    pub async fn run(self, stop: Stop) {
        self.messenger.run(stop).await;
    }

    /// How many messages wait to be sent; `None` when the database does not say.
    pub async fn queued(&self) -> Option<i64> {
        self.messenger.queued().await
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
        let queued = notify::queue_all(&self.store, KEYS, key, messages).await?;
        self.messenger.wake();
        Ok(queued)
    }

    async fn find(&self, _: &Ctx, id: Uuid) -> Result<Notification, Fault> {
        notify::find(&self.store, id).await
    }
}
