//! Tells of every item again, with its whole timeline: for whoever keeps a copy and has none yet, or has thrown it away.
//!
//! To everybody else it is nothing new, as what an import finds is nothing new: the same state, and lines that are there already.

use std::collections::HashMap;

use automator_github::{items, write};
use domain::Origin;
use step_02_contracts::{Fault, GithubEvent, ItemFact};
use store::{Query, Store};

/// How many items are told in one transaction.
const AT_ONCE: i64 = 50;

/// Records a fact for each item that is stored; how many those were. Killed in the middle and run again, it begins anew, which does no
/// harm.
///
/// # Errors
/// The database's.
pub async fn retell(store: &Store) -> Result<u64, Fault> {
    let mut told = 0;
    let mut last = String::new();
    loop {
        let mut tx = store.begin_write().await?;
        // Locked: nobody tells of a newer state before the one that is read here.
        let sql = format!(
            "SELECT item_key, id FROM items WHERE id > $1 ORDER BY id LIMIT {AT_ONCE}{}",
            store.for_update()
        );
        let page: Vec<(String, String)> = Query::assembled(sql).bind(&last).fetch_all(&mut tx).await?;
        let Some((_, next)) = page.last() else { return Ok(told) };
        let ids: HashMap<&String, &String> = page.iter().map(|(key, id)| (key, id)).collect();
        let mut lines = write::lines_of(&mut tx, ids.values().map(|id| id.as_str())).await?;
        for item in items::among(&mut tx, "i.item_key", ids.keys().map(ToString::to_string)).await? {
            let id = ids.get(&item.key.to_string()).map_or("", |id| id.as_str());
            let lines = lines.remove(id).unwrap_or_default();
            let before = Some(item.state);
            let fact = ItemFact { origin: Origin::Import, item, before, lines, occurrence: None };
            tx.record(&GithubEvent::ItemChanged(Box::new(fact)))?;
            told += 1;
        }
        last.clone_from(next);
        tx.commit().await?;
    }
}
