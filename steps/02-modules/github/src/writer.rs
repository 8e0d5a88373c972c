//! Writes what GitHub says, and records what has become of the items.

use std::collections::HashMap;

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
/// An import tells of every item that it finds, changed or not: whoever listens makes the same of the same, and what a crash kept from
/// them once is mended so.
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
            let is_news = written.touched || occurrence.is_some() || origin == Origin::Import;
            is_news.then_some((told, written, occurrence))
        })
        .collect();
    let ids = news.iter().map(|(_, written, _)| written.item_id.clone());
    let items = items::among(&mut *tx, "i.id", ids).await?;
    let mut taken_back = match origin {
        Origin::Import => {
            write::taken_back(tx, written.iter().map(|written| written.item_id.as_str())).await?
        }
        Origin::Webhook => HashMap::new(),
    };
    for (told, written, occurrence) in news {
        let Some(item) = items.iter().find(|item| item.key == told.snapshot.key).cloned() else { continue };
        let taken_back = taken_back.remove(&written.item_id).unwrap_or_default();
        // Of two with the same source the first one holds: what was taken back stays so.
        let lines = taken_back.into_iter().chain(lines(told)).collect();
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
