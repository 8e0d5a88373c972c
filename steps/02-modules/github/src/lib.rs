//! What GitHub says: the tracked repositories, their issues and pull requests, and what happened to them.
//!
//! Owns the items and what brings them here. The client, the import and the reading of webhooks are what they were. New is what
//! follows: step 01 wrote the task of an item in the same transaction, here it is recorded what became of the item, and
//! whoever cares hears of it. Of the team this module keeps a copy of the logins ([`on_events`]), because what the
//! community waits for is derived from them in the database.

mod on_events;
mod retell;
mod routes;
mod writer;

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use automator_github::{
    client, deliveries,
    import::Importer,
    imports, items,
    repositories::{self, named, tracked},
    webhook::{self, Envelope},
    write::ItemWriter,
};
use chassis::background::Background;
use domain::{Catalogue, Import, Item, ItemKey, ItemQuery, Kind, Origin, Page, PageQuery, RepositorySummary};
use sqlx::migrate::Migrator;
use step_02_contracts::{
    Commentable, Ctx, Delivery, Fault, Github, IdempotencyKey, Items, Maintainers, Once, WaitingList,
};
use store::{Store, idempotency};
use uuid::Uuid;

use self::writer::Writer;
pub use on_events::tell_waits;
pub use retell::retell;
pub use routes::{PATHS, intake, router};
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

/// How long the team may take to say who is in it, at the start.
const CATCH_UP: Duration = Duration::from_secs(30);

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
        repositories::track(&mut tx, &catalogue).await?;
        tx.commit().await?;
        let writer = Arc::new(Writer::new(store.clone()));
        let importer = Importer::new(store.clone(), client.clone(), writer.clone());
        Ok(Self { store, catalogue, client, importer, writer })
    }

    /// Compares our copy of who is in the team with the `team`: an event may have been lost with a process.
    ///
    /// # Errors
    /// The team's, or the database's.
    pub async fn catch_up(&self, team: &dyn Maintainers) -> Result<(), Fault> {
        let active = team.active(&Ctx::background(CATCH_UP)).await?;
        on_events::become_like(&self.store, active.into_iter().map(|member| member.login)).await
    }

    /// Imports in a process until it stops.
    pub fn work(&self, background: &mut Background) {
        self.importer.clone().work(background);
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
    async fn comment(&self, _: &Ctx, key: &ItemKey, text: &str, answers: Option<&str>) -> Result<(), Fault> {
        let Some(client) = &self.client else {
            return Err(Fault::invalid("comment", "GITHUB_TOKEN is not set"));
        };
        let node_id = writer::node_id(&self.store, key).await?;
        Ok(client.comment(&node_id, text, answers).await?)
    }
}

#[async_trait]
impl WaitingList for Module {
    async fn waiting(&self, _: &Ctx, limit: u32) -> Result<(Vec<Item>, i64), Fault> {
        items::waiting(&self.store, limit).await
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

    async fn open(&self, _: &Ctx, repository: &str, kind: Kind) -> Result<Vec<Item>, Fault> {
        let repository = named(&self.catalogue, repository)?;
        items::open(&self.store, &repository.name, kind).await
    }

    async fn repositories(&self, _: &Ctx, query: PageQuery) -> Result<Page<RepositorySummary>, Fault> {
        repositories::page(&self.store, &query).await
    }

    async fn start_import(&self, _: &Ctx, key: Option<IdempotencyKey>) -> Result<Once<Import>, Fault> {
        idempotency::once_for(&self.store, KEYS, key, async |tx| {
            let id = imports::start(tx).await?;
            imports::find(&mut *tx, &id).await
        })
        .await
        .inspect(|_| self.importer.wake())
    }

    async fn import(&self, _: &Ctx, id: Uuid) -> Result<Import, Fault> {
        imports::find(&self.store, &id.to_string()).await
    }

    async fn deliver(&self, _: &Ctx, delivery: Delivery) -> Result<(), Fault> {
        let unreadable = |error: serde_json::Error| Fault::invalid("payload", error.to_string());
        let Delivery { id, event, payload } = delivery;
        let envelope: Envelope = serde_json::from_slice(&payload).map_err(unreadable)?;
        let name = envelope.repository.map(|repository| repository.full_name).unwrap_or_default();
        let Some(repository) = self.catalogue.find(&name) else { return Ok(()) };
        let heard = webhook::read(&event, &repository.name, &payload).map_err(unreadable)?;
        let Some(heard) = heard else { return Ok(()) };
        let heard = heard.unless_ours(self.client.as_ref()).await;

        let mut tx = self.store.begin_write().await?;
        if !deliveries::is_new(&mut tx, &id, &event).await? {
            return Ok(());
        }
        let tracked = tracked(&mut tx, &repository.name).await?;
        self.writer.write(&mut tx, &tracked, &[heard.told], Origin::Webhook, heard.event).await?;
        tx.commit().await.map_err(Fault::from)
    }
}
