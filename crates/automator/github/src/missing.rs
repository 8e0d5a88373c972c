//! What a list lacks: items that were deleted or moved away on GitHub while nobody told us. GitHub's lists do not say what is missing
//! from them, so what was known before a list was read is compared with what it had.

use std::collections::HashSet;

use chassis::Fault;
use domain::{Actor, Kind, State};
use sqlx::FromRow;
use store::{Sql, Store, Tx, query};

use crate::told::{Snapshot, Told};

/// The items that a list must have, or they are gone.
///
/// It is memory. A list that another process began to read, or this one before its database failed, is none of which we know what it
/// had: it misses nobody, and the next import's does. The same goes for one that GitHub did not show without gaps.
#[derive(Debug)]
pub(crate) struct Expected(Option<HashSet<String>>);

impl Expected {
    /// What is known of a repository's items of a kind, before the first page of their list is asked for: what we hear of later is
    /// not expected, and cannot be missed.
    pub(crate) async fn of(store: &Store, repository_id: &str, kind: Kind) -> Result<Self, store::Error> {
        let known: Vec<(String,)> =
            query("SELECT item_key FROM items WHERE repository_id = $1 AND kind = $2")
                .bind(repository_id)
                .bind(kind.as_str())
                .fetch_all(store)
                .await?;
        Ok(Self(Some(known.into_iter().map(|(key,)| key).collect())))
    }

    /// Nothing: for a list of which we have not seen all.
    pub(crate) fn nothing() -> Self {
        Self(None)
    }

    /// These were in the list.
    pub(crate) fn found(&mut self, items: &[Told]) {
        let Some(expected) = &mut self.0 else { return };
        for told in items {
            expected.remove(&told.snapshot.key.to_string());
        }
    }

    /// The keys of the items that were not found in a list that was read to its end.
    pub(crate) fn missing(&self) -> Vec<&String> {
        let mut missing: Vec<&String> = self.0.iter().flatten().collect();
        // Sorted, so that two transactions take the same locks in the same order.
        missing.sort();
        missing
    }
}

/// These items, each closed, if it was not, at this moment. Those that were closed before are among them, because whoever was to hear
/// of that may not have.
///
/// # Errors
/// The database's.
pub(crate) async fn gone(tx: &mut Tx, keys: &[&String]) -> Result<Vec<Told>, Fault> {
    let mut sql = Sql::new(
        "SELECT item_key, node_id, kind, title, url, author, state, created_at, updated_at, closed_at \
         FROM items WHERE item_key IN (NULL",
    );
    for key in keys {
        sql.push_bind(", ", key.as_str());
    }
    sql.push(") ORDER BY item_key");
    sql.fetch_all::<Row>(tx).await?.into_iter().map(Row::gone).collect()
}

#[derive(Debug, FromRow)]
struct Row {
    item_key: String,
    node_id: String,
    kind: String,
    title: String,
    url: String,
    author: String,
    state: String,
    created_at: i64,
    updated_at: i64,
    closed_at: Option<i64>,
}

impl Row {
    /// The item as it would be told if GitHub told of it. Nobody has closed it, so no line of its timeline says so.
    fn gone(self) -> Result<Told, Fault> {
        let stored: State = self.state.parse().map_err(Fault::internal)?;
        let (state, closed_at) = match stored {
            State::Open => (State::Closed, Some(store::now())),
            stored => (stored, self.closed_at),
        };
        let snapshot = Snapshot {
            key: self.item_key.parse().map_err(Fault::internal)?,
            node_id: self.node_id,
            kind: self.kind.parse().map_err(Fault::internal)?,
            title: self.title,
            url: self.url,
            author: Actor::of_webhook(self.author),
            state,
            labels: None,
            comments: None,
            reactions: None,
            created_at: self.created_at,
            updated_at: self.updated_at,
            closed_at,
        };
        Ok(Told { snapshot, entries: Vec::new(), listed: false, whole: None })
    }
}
