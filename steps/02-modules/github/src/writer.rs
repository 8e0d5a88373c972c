//! Writes what GitHub says, and records what has become of the items.

use async_trait::async_trait;
use automator_github::{
    items,
    repositories::TrackedRepository,
    told::{Told, lines},
    write::{self, ItemWriter, Written},
};
use domain::{ItemKey, Occurrence, Origin};
use step_02_contracts::{Fault, GithubEvent, ItemFact};
use store::{Store, Tx, query};

use crate::on_events::TABLE;

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
impl ItemWriter for Writer {
    async fn write(
        &self,
        tx: &mut Tx,
        repository: &TrackedRepository,
        items: &[Told],
        origin: Origin,
        occurrence: Option<Occurrence>,
    ) -> Result<(), Fault> {
        let written = write::write(&self.store, tx, TABLE, repository, items).await?;
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
    for (told, written, occurrence) in news {
        let Some(item) = items.iter().find(|item| item.key == told.0.key).cloned() else { continue };
        let lines = lines(told).collect();
        let fact = ItemFact { origin, item, before: written.before, lines, occurrence };
        tx.record(&GithubEvent::of(fact))?;
    }
    Ok(())
}

/// GitHub's own id of an item.
pub(crate) async fn node_id(store: &Store, key: &ItemKey) -> Result<String, Fault> {
    let row: Option<(String,)> = query("SELECT node_id FROM items WHERE item_key = $1")
        .bind(key.to_string())
        .fetch_optional(store)
        .await?;
    row.map(|(id,)| id).ok_or_else(|| Fault::NotFound(format!("item {key}")))
}
