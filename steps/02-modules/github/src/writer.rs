//! Writes what GitHub says, and records what has become of the items.

use async_trait::async_trait;
use domain::{Entry, ItemKey, Occurrence, Origin, RepositoryName};
use step_01_monolith::{
    api::items,
    sync::{self, Sink, Told, TrackedRepository, Written},
};
use step_02_contracts::{Fault, GithubEvent, ItemFact};
use store::{OnConstraint, Store, Tx, query};
use uuid::Uuid;

use crate::maintainers::TABLE;

/// For imports and webhooks alike.
#[derive(Debug)]
pub(crate) struct Writer {
    store: Store,
}

impl Writer {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }
}

#[async_trait]
impl Sink for Writer {
    async fn write(
        &self,
        tx: &mut Tx,
        repository: &TrackedRepository,
        items: &[Told],
        origin: Origin,
        occurrence: Option<Occurrence>,
    ) -> Result<(), Fault> {
        let written = sync::write(&self.store, tx, TABLE, repository, items).await?;
        tell(tx, items, &written, origin, occurrence).await
    }
}

/// Records what has become of items that were written. `occurrence` is what the first of them was told for.
///
/// # Errors
/// The database's.
pub async fn tell(
    tx: &mut Tx,
    told: &[Told],
    written: &[Written],
    origin: Origin,
    mut occurrence: Option<Occurrence>,
) -> Result<(), Fault> {
    let news: Vec<_> = told
        .iter()
        .zip(written)
        .filter_map(|(told, written)| {
            let occurrence = occurrence.take();
            (written.touched || occurrence.is_some()).then_some((told, written, occurrence))
        })
        .collect();
    let ids = news.iter().map(|(_, written, _)| written.item_id.clone());
    let items = items::among(&mut *tx, "i.id", ids).await?;
    for ((snapshot, entries), written, occurrence) in news {
        let Some(item) = items.iter().find(|item| item.key == snapshot.key).cloned() else { continue };
        let opened = Entry::opened(snapshot.author.clone(), snapshot.created_at);
        let lines = std::iter::once(opened).chain(entries.iter().cloned()).collect();
        let fact = ItemFact { origin, item, before: written.before, lines, occurrence };
        tx.record(&GithubEvent::of(fact))?;
    }
    Ok(())
}

/// Writes down a delivery; whether we did not have it yet. Its row and its effect are committed together: whoever finds
/// the row has nothing left to do.
pub(crate) async fn is_new(tx: &mut Tx, delivery: &str, event: &str) -> Result<bool, Fault> {
    enum Refused {
        Known,
        Failed(Fault),
    }
    impl From<store::Error> for Refused {
        fn from(error: store::Error) -> Self {
            Self::Failed(error.into())
        }
    }
    let inserted = query(
        "INSERT INTO deliveries (id, delivery, event, received_at, version) VALUES ($1, $2, $3, $4, 1)",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(delivery)
    .bind(event)
    .bind(store::now())
    .execute(&mut *tx)
    .await
    .on_unique_violation("deliveries.delivery", || Refused::Known);
    match inserted {
        Ok(_) => Ok(true),
        Err(Refused::Known) => Ok(false),
        Err(Refused::Failed(fault)) => Err(fault),
    }
}

/// The row of a tracked repository.
pub(crate) async fn tracked(tx: &mut Tx, name: &RepositoryName) -> Result<TrackedRepository, Fault> {
    query("SELECT id, name, reach FROM repositories WHERE name = $1")
        .bind(name.as_str())
        .fetch_one(&mut *tx)
        .await
        .map_err(Fault::from)
}

/// GitHub's own id of an item.
pub(crate) async fn node_id(store: &Store, key: &ItemKey) -> Result<String, Fault> {
    let row: Option<(String,)> = query("SELECT node_id FROM items WHERE item_key = $1")
        .bind(key.to_string())
        .fetch_optional(store)
        .await?;
    row.map(|(id,)| id).ok_or_else(|| Fault::NotFound(format!("item {key}")))
}
