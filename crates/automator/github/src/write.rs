//! Writes what GitHub says about items, whoever brings it: an import or a webhook.
//!
//! Both may bring the same thing, twice, at once and in any order. Unique keys make a repeat harmless,
//! GitHub's `updated_at` keeps an older state from replacing a newer one, and a second run over the
//! same data changes no row. What an import cannot mend: a comment or an item whose deletion nobody told
//! stays, because GitHub's lists do not say what is missing from them.

use std::{cmp::Ordering, collections::HashSet};

use async_trait::async_trait;
use chassis::Fault;
use domain::{Category, Difficulty, Entry, Happened, Occurrence, Origin, State};
use sqlx::FromRow;
use store::{Query, Sql, Store, Tx, query};
use uuid::Uuid;

use crate::{
    repositories::TrackedRepository,
    told::{self, Snapshot, Told},
    waiting,
};

/// Who writes what GitHub says, within the transaction of whoever heard it.
#[async_trait]
pub trait ItemWriter: std::fmt::Debug + Send + Sync {
    /// Writes items, and what follows from them. `occurrence` is what the first of them was told for.
    async fn write(
        &self,
        tx: &mut Tx,
        repository: &TrackedRepository,
        items: &[Told],
        origin: Origin,
        occurrence: Option<Occurrence>,
    ) -> Result<(), Fault>;
}

/// What is stored of an item, as far as it is compared.
#[derive(FromRow)]
struct Stored {
    id: String,
    title: String,
    url: String,
    author: String,
    state: String,
    labels: String,
    comments: i64,
    reactions: i64,
    updated_at: i64,
    closed_at: Option<i64>,
}

impl Stored {
    /// The item, locked until the transaction ends. It is there: items are never deleted.
    async fn find(store: &Store, tx: &mut Tx, key: &str) -> Result<Self, store::Error> {
        let sql = format!(
            "SELECT id, title, url, author, state, labels, comments, reactions, updated_at, closed_at \
             FROM items WHERE item_key = $1{}",
            store.for_update()
        );
        Query::assembled(sql).bind(key).fetch_one(&mut *tx).await
    }

    /// Whether `new` is not older. GitHub counts in seconds: of an open and a closed state with the same
    /// time the closed one is the later, unless the message says that the item was `reopened` then.
    fn is_superseded_by(&self, new: &Snapshot, reopened: bool) -> bool {
        match new.updated_at.cmp(&self.updated_at) {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal => reopened || new.state != State::Open || self.state == State::Open.as_str(),
        }
    }

    fn is(&self, new: &Snapshot, labels: &str) -> bool {
        self.title == new.title
            && self.url == new.url
            && self.author == new.author.login
            && self.state == new.state.as_str()
            && self.labels == labels
            && new.comments.is_none_or(|comments| comments == self.comments)
            && new.reactions.is_none_or(|reactions| reactions == self.reactions)
            && self.updated_at == new.updated_at
            && self.closed_at == new.closed_at
    }
}

/// Writes items and their timelines, and what the community waits for, which depends on the `team`: see [`waiting`].
///
/// # Errors
/// The database's.
pub async fn write(
    store: &Store,
    tx: &mut Tx,
    team: &'static str,
    repository: &TrackedRepository,
    items: &[Told],
) -> Result<Vec<Written>, store::Error> {
    store.lock_shared(tx, team).await?;
    let mut all_written = Vec::with_capacity(items.len());
    let mut lines = Vec::new();
    for item in items {
        let (snapshot, entries) = item;
        let reopened = entries
            .iter()
            .any(|entry| entry.happened == Happened::Reopened && entry.at == snapshot.updated_at);
        let written = write_item(store, tx, repository, snapshot, reopened).await?;
        lines.extend(told::lines(item).map(|entry| (written.item_id.clone(), entry)));
        all_written.push(written);
    }
    let longer = write_timeline(tx, lines).await?;
    let mut touched = HashSet::new();
    if !longer.is_empty() || all_written.iter().any(|written| written.changed) {
        let ids = all_written.iter().map(|written| written.item_id.as_str());
        touched = waiting::refresh_items(tx, team, ids).await?;
    }
    for written in &mut all_written {
        written.touched =
            written.changed || longer.contains(&written.item_id) || touched.contains(&written.item_id);
    }
    Ok(all_written)
}

/// What became of an item that was written.
#[derive(Debug)]
pub struct Written {
    /// Id of its row.
    pub item_id: String,
    /// Whether its state is new; `false` for a repeat and for old news.
    pub changed: bool,
    /// Whether anything about it is new: its state, its timeline, what it waits for.
    pub touched: bool,
    /// The state before; `None` for a new item.
    pub before: Option<State>,
    /// Comments on it, as they are stored now.
    pub comments: i64,
    /// Reactions to it, as they are stored now.
    pub reactions: i64,
}

async fn write_item(
    store: &Store,
    tx: &mut Tx,
    repository: &TrackedRepository,
    new: &Snapshot,
    reopened: bool,
) -> Result<Written, store::Error> {
    let key = new.key.to_string();
    let labels = serde_json::Value::from(new.labels.clone()).to_string();
    let category = Category::from_labels(&new.labels).map(Category::as_str);
    let difficulty = Difficulty::from_labels(&new.labels).as_str();
    let item_id = Uuid::now_v7().to_string();
    let inserted = query(
        "INSERT INTO items (id, repository_id, item_key, node_id, number, kind, title, url, author, state, labels, \
                            category, difficulty, comments, reactions, created_at, updated_at, closed_at, version) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 1) \
         ON CONFLICT (item_key) DO NOTHING",
    )
    .bind(&item_id)
    .bind(&repository.id)
    .bind(&key)
    .bind(&new.node_id)
    .bind(new.key.number())
    .bind(new.kind.as_str())
    .bind(&new.title)
    .bind(&new.url)
    .bind(&new.author.login)
    .bind(new.state.as_str())
    .bind(&labels)
    .bind(category)
    .bind(difficulty)
    .bind(new.comments.unwrap_or(0))
    .bind(new.reactions.unwrap_or(0))
    .bind(new.created_at)
    .bind(new.updated_at)
    .bind(new.closed_at)
    .execute(&mut *tx)
    .await?;
    let (comments, reactions) = (new.comments.unwrap_or(0), new.reactions.unwrap_or(0));
    if inserted == 1 {
        return Ok(Written { item_id, changed: true, touched: true, before: None, comments, reactions });
    }

    let stored = Stored::find(store, tx, &key).await?;
    let written = Written {
        // A task keeps what it is made of when the message does not say.
        comments: new.comments.unwrap_or(stored.comments),
        reactions: new.reactions.unwrap_or(stored.reactions),
        before: stored.state.parse().ok(),
        changed: stored.is_superseded_by(new, reopened) && !stored.is(new, &labels),
        touched: false,
        item_id: stored.id,
    };
    if written.changed {
        query(
            "UPDATE items SET title = $1, url = $2, author = $3, state = $4, labels = $5, category = $6, \
                              difficulty = $7, comments = $8, reactions = $9, updated_at = $10, closed_at = $11, \
                              version = version + 1 \
             WHERE id = $12",
        )
        .bind(&new.title)
        .bind(&new.url)
        .bind(&new.author.login)
        .bind(new.state.as_str())
        .bind(&labels)
        .bind(category)
        .bind(difficulty)
        .bind(written.comments)
        .bind(written.reactions)
        .bind(new.updated_at)
        .bind(new.closed_at)
        .bind(&written.item_id)
        .execute(&mut *tx)
        .await?;
    }
    Ok(written)
}

/// Writes the lines that are not there yet, each with the id of its item; the items that have more to tell now.
async fn write_timeline(
    tx: &mut Tx,
    mut lines: Vec<(String, Entry)>,
) -> Result<HashSet<String>, store::Error> {
    // Sorted, so that two transactions take the same locks in the same order.
    lines.sort_by(|(item, a), (other, b)| (item, &a.source).cmp(&(other, &b.source)));
    lines.dedup_by(|(item, a), (other, b)| item == other && a.source == b.source);
    let mut written = HashSet::new();
    // A hundred lines a statement: a long discussion is not a hundred round trips.
    for chunk in lines.chunks(100) {
        let mut sql =
            Sql::new("INSERT INTO timeline (id, item_id, source, kind, actor, bot, at, version) VALUES ");
        for (index, (item_id, entry)) in chunk.iter().enumerate() {
            sql.push(if index == 0 { "(" } else { ", (" }).bind(Uuid::now_v7().to_string());
            sql.push_bind(", ", item_id.as_str()).push_bind(", ", entry.source.as_str());
            sql.push_bind(", ", entry.happened.as_str())
                .push_bind(", ", entry.actor.login.to_ascii_lowercase());
            sql.push_bind(", ", i64::from(entry.actor.bot)).push_bind(", ", entry.at).push(", 1)");
        }
        // A comment that was taken back stays taken back, whichever message comes first.
        sql.push(
            " ON CONFLICT (item_id, source) DO UPDATE SET kind = excluded.kind, version = timeline.version + 1 \
              WHERE excluded.kind = 'deleted' AND timeline.kind <> 'deleted' RETURNING item_id",
        );
        let rows: Vec<(String,)> = sql.fetch_all(&mut *tx).await?;
        written.extend(rows.into_iter().map(|(item_id,)| item_id));
    }
    Ok(written)
}
