//! What GitHub says: the tracked repositories, their issues and pull requests, and what happened to them.
//!
//! Owns the items and what brings them here. The client, the import and the reading of webhooks are step 01's. New is what
//! follows: step 01 wrote the task of an item in the same transaction, here it is recorded what became of the item, and
//! whoever cares hears of it. Of the team this module keeps a copy of the logins ([`maintainers`]), because what the
//! community waits for is derived from them in the database.

mod maintainers;
mod routes;
mod writer;

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use chassis::serve::Stop;
use domain::{Catalogue, Import, Item, ItemKey, ItemQuery, Kind, Origin, Page, PageQuery, RepositorySummary};
use sqlx::migrate::Migrator;
use step_01_monolith::{
    api::{imports, items, legacy, repositories},
    github::{
        client::{self, GithubError},
        import::Importer,
        webhook::{self, Envelope},
    },
    sync::{self, Sink},
};
use step_02_contracts::{
    Commentable, Ctx, Delivery, Fault, Github, IdempotencyKey, Items, Maintainers, Once,
};
use store::{Store, idempotency};
use uuid::Uuid;

use self::writer::Writer;
pub use maintainers::tell_waits;
pub use routes::{intake, router};
pub use writer::tell;

/// The tables that nobody else reads or writes.
pub const TABLES: [&str; 8] = [
    "repositories",
    "items",
    "timeline",
    "imports",
    "import_lists",
    "deliveries",
    "maintainers",
    "github_keys",
];

const KEYS: &str = "github_keys";

/// The migrations of this module.
#[must_use]
pub fn migrations() -> Migrator {
    sqlx::migrate!()
}

/// The module behind its port.
#[derive(Debug, Clone)]
pub struct Module {
    store: Store,
    catalogue: Arc<Catalogue>,
    client: Option<client::Github>,
    importer: Importer,
    writer: Arc<Writer>,
}

impl Module {
    /// The module over its tables, with what `catalogue` tracks from now on. Without a `client` imports and comments fail
    /// and say why.
    ///
    /// # Errors
    /// The database's.
    pub async fn new(
        store: Store,
        catalogue: Arc<Catalogue>,
        client: Option<client::Github>,
    ) -> Result<Self, Fault> {
        idempotency::forget_old(&store, KEYS).await?;
        let mut tx = store.begin_write().await?;
        sync::track(&mut tx, &catalogue).await?;
        tx.commit().await?;
        let writer = Arc::new(Writer::new(store.clone()));
        let importer = Importer::new(store.clone(), client.clone(), writer.clone());
        Ok(Self { store, catalogue, client, importer, writer })
    }

    /// Compares our copy of who is in the team with the `team`: an event may have been lost with a process.
    ///
    /// # Errors
    /// The team's, or the database's.
    pub async fn catch_up(&self, ctx: &Ctx, team: &dyn Maintainers) -> Result<(), Fault> {
        let active = team.active(ctx).await?;
        maintainers::become_like(&self.store, active.into_iter().map(|member| member.login)).await
    }

    /// Imports until `stop`.
    pub async fn run(self, stop: Stop) {
        self.importer.run(stop).await;
    }
}

#[async_trait]
impl Items for Module {
    async fn items(&self, _: &Ctx, keys: &[ItemKey]) -> Result<HashMap<ItemKey, Item>, Fault> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let found = items::among(&self.store, "i.item_key", keys.iter().map(ToString::to_string)).await?;
        Ok(found.into_iter().map(|item| (item.key.clone(), item)).collect())
    }
}

#[async_trait]
impl Commentable for Module {
    async fn comment(&self, _: &Ctx, key: &ItemKey, text: &str) -> Result<(), Fault> {
        let Some(client) = &self.client else {
            return Err(Fault::invalid("comment", "GITHUB_TOKEN is not set"));
        };
        let node_id = writer::node_id(&self.store, key).await?;
        client.comment(&node_id, text).await.map_err(|error| match error {
            GithubError::Refused(_) => Fault::invalid("comment", error.to_string()),
            GithubError::Unavailable(_) => Fault::Unavailable(error.to_string()),
        })
    }
}

#[async_trait]
impl Github for Module {
    async fn page(&self, _: &Ctx, query: ItemQuery) -> Result<Page<Item>, Fault> {
        items::page(&self.store, &query).await
    }

    async fn item(&self, _: &Ctx, name: &str) -> Result<Item, Fault> {
        items::find(&self.store, &self.catalogue, name).await
    }

    async fn waiting(&self, _: &Ctx, limit: u32) -> Result<(Vec<Item>, i64), Fault> {
        items::waiting(&self.store, limit).await
    }

    async fn open(&self, _: &Ctx, repository: &str, kind: Kind) -> Result<Vec<Item>, Fault> {
        let repository = legacy::tracked(&self.catalogue, repository)?;
        items::open(&self.store, &repository.name, kind).await
    }

    async fn repositories(&self, _: &Ctx, query: PageQuery) -> Result<Page<RepositorySummary>, Fault> {
        Ok(repositories::page(&self.store, &query).await?)
    }

    async fn start_import(&self, _: &Ctx, key: Option<IdempotencyKey>) -> Result<Once<Import>, Fault> {
        idempotency::once_for(&self.store, KEYS, key, async |tx| {
            let id = imports::start(tx).await?;
            Ok(imports::find(&mut *tx, &id).await?)
        })
        .await
        .inspect(|_| self.importer.wake())
    }

    async fn import(&self, _: &Ctx, id: Uuid) -> Result<Import, Fault> {
        Ok(imports::find(&self.store, &id.to_string()).await?)
    }

    async fn deliver(&self, _: &Ctx, delivery: Delivery) -> Result<(), Fault> {
        let unreadable = |error: serde_json::Error| Fault::invalid("payload", error.to_string());
        let Delivery { id, event, payload } = delivery;
        let envelope: Envelope = serde_json::from_slice(&payload).map_err(unreadable)?;
        let name = envelope.repository.map(|repository| repository.full_name).unwrap_or_default();
        let Some(repository) = self.catalogue.find(&name) else { return Ok(()) };
        let heard = webhook::read(&event, &repository.name, &payload).map_err(unreadable)?;
        let Some(heard) = heard else { return Ok(()) };

        let mut tx = self.store.begin_write().await?;
        if !writer::is_new(&mut tx, &id, &event).await? {
            return Ok(());
        }
        let tracked = writer::tracked(&mut tx, &repository.name).await?;
        self.writer.write(&mut tx, &tracked, &[heard.told], Origin::Webhook, heard.event).await?;
        tx.commit().await.map_err(Fault::from)
    }
}
