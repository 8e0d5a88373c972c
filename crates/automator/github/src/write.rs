//! Writes what GitHub says about items, whoever brings it: an import or a webhook.
//!
//! Both may bring the same thing, twice, at once and in any order. Unique keys make a repeat harmless,
//! GitHub's `updated_at` keeps an older state from replacing a newer one, and a second run over the
//! same data changes no row. An import also brings what is there no longer, and nobody told: an item that its list lacks (see
//! `missing`) is closed, and a comment or review that its item lacks counts as taken back.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
};

use async_trait::async_trait;
use chassis::Fault;
use domain::{Actor, Category, Difficulty, Entry, Happened, Occurrence, Origin, State};
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

    /// Whether what was `told` is not older. GitHub counts in seconds: of an open and a closed state with the same
    /// time the closed one is the later, unless the message says that the item was reopened then, or an import finds an item
    /// again that another one missed.
    fn is_superseded_by(&self, told: &Told) -> bool {
        let new = &told.snapshot;
        match new.updated_at.cmp(&self.updated_at) {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal => {
                new.state != State::Open
                    || self.state == State::Open.as_str()
                    || is_reopened(told)
                    || (told.listed && self.was_missed())
            }
        }
    }

    /// Whether it was closed because a list lacked it: GitHub closes nothing later than it changed it last.
    fn was_missed(&self) -> bool {
        self.closed_at.is_some_and(|at| at > self.updated_at)
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

/// Whether the item was reopened as the last that happened to it.
fn is_reopened(told: &Told) -> bool {
    let is_last =
        |entry: &Entry| entry.happened == Happened::Reopened && entry.at == told.snapshot.updated_at;
    told.entries.iter().any(is_last)
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
    for told in items {
        let written = write_item(store, tx, repository, told).await?;
        lines.extend(told::lines(told).map(|entry| (written.item_id.clone(), entry)));
        all_written.push(written);
    }
    let mut other_lines = write_timeline(tx, lines).await?;
    other_lines.extend(take_back(tx, items, &all_written).await?);
    let mut touched = HashSet::new();
    if !other_lines.is_empty() || all_written.iter().any(|written| written.changed) {
        let ids = all_written.iter().map(|written| written.item_id.as_str());
        touched = waiting::refresh_items(tx, team, ids).await?;
    }
    for written in &mut all_written {
        written.touched =
            written.changed || other_lines.contains(&written.item_id) || touched.contains(&written.item_id);
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
    /// Its labels, as they are stored now.
    pub labels: Vec<String>,
    /// Whether what was told is older than what is stored.
    is_old: bool,
}

async fn write_item(
    store: &Store,
    tx: &mut Tx,
    repository: &TrackedRepository,
    told: &Told,
) -> Result<Written, store::Error> {
    let new = &told.snapshot;
    let key = new.key.to_string();
    let labels = new.labels.clone().unwrap_or_default();
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
    .bind(json(&labels))
    .bind(Category::from_labels(&labels).map(Category::as_str))
    .bind(Difficulty::from_labels(&labels).as_str())
    .bind(new.comments.unwrap_or(0))
    .bind(new.reactions.unwrap_or(0))
    .bind(new.created_at)
    .bind(new.updated_at)
    .bind(new.closed_at)
    .execute(&mut *tx)
    .await?;
    let (comments, reactions) = (new.comments.unwrap_or(0), new.reactions.unwrap_or(0));
    if inserted == 1 {
        return Ok(Written {
            item_id,
            changed: true,
            touched: true,
            before: None,
            comments,
            reactions,
            labels,
            is_old: false,
        });
    }

    let stored = Stored::find(store, tx, &key).await?;
    // An item keeps what the message does not say.
    let labels =
        new.labels.clone().unwrap_or_else(|| serde_json::from_str(&stored.labels).unwrap_or_default());
    let written = Written {
        comments: new.comments.unwrap_or(stored.comments),
        reactions: new.reactions.unwrap_or(stored.reactions),
        before: stored.state.parse().ok(),
        changed: stored.is_superseded_by(told) && !stored.is(new, &json(&labels)),
        touched: false,
        is_old: new.updated_at < stored.updated_at,
        labels,
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
        .bind(json(&written.labels))
        .bind(Category::from_labels(&written.labels).map(Category::as_str))
        .bind(Difficulty::from_labels(&written.labels).as_str())
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

fn json(labels: &[String]) -> String {
    serde_json::Value::from(labels).to_string()
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

/// A comment or review as it is stored.
#[derive(FromRow)]
struct Word {
    id: String,
    item_id: String,
    source: String,
}

/// Takes back the comments and reviews that are not there any more, of the items that were told whole; the items that have less to
/// tell now. What has come since GitHub was asked stays, and so does everything where we know a later state of the item.
async fn take_back(
    tx: &mut Tx,
    items: &[Told],
    all_written: &[Written],
) -> Result<HashSet<String>, store::Error> {
    let whole: HashMap<&str, (&Told, Uuid)> = items
        .iter()
        .zip(all_written)
        .filter(|(_, written)| !written.is_old)
        .filter_map(|(told, written)| Some((written.item_id.as_str(), (told, told.whole?))))
        .collect();
    if whole.is_empty() {
        return Ok(HashSet::new());
    }
    let mut sql = Sql::new(
        "SELECT id, item_id, source FROM timeline WHERE kind IN ('comment', 'review') AND item_id IN (NULL",
    );
    for item_id in whole.keys() {
        sql.push_bind(", ", *item_id);
    }
    sql.push(") ORDER BY item_id, source");
    let known: Vec<Word> = sql.fetch_all(&mut *tx).await?;
    let told: HashSet<(&str, &str)> = whole
        .iter()
        .flat_map(|(item_id, (told, _))| told.entries.iter().map(|entry| (*item_id, entry.source.as_str())))
        .collect();
    let is_gone = |word: &Word| {
        let is_older = |(_, asked): &(&Told, Uuid)| word.id.parse().is_ok_and(|id: Uuid| id < *asked);
        !told.contains(&(word.item_id.as_str(), word.source.as_str()))
            && whole.get(word.item_id.as_str()).is_some_and(is_older)
    };
    let gone: Vec<Word> = known.into_iter().filter(is_gone).collect();
    for chunk in gone.chunks(100) {
        let mut sql =
            Sql::new("UPDATE timeline SET kind = 'deleted', version = version + 1 WHERE id IN (NULL");
        for word in chunk {
            sql.push_bind(", ", word.id.as_str());
        }
        sql.push(")");
        sql.execute(&mut *tx).await?;
    }
    Ok(gone.into_iter().map(|word| word.item_id).collect())
}

/// The comments and reviews of these items, by the ids of their rows, that were taken back.
///
/// # Errors
/// The database's.
pub async fn taken_back(
    tx: &mut Tx,
    item_ids: impl Iterator<Item = &str>,
) -> Result<HashMap<String, Vec<Entry>>, Fault> {
    stored_lines(tx, "w.kind = 'deleted' AND ", item_ids).await
}

/// All lines of the timelines of these items, by the ids of their rows.
///
/// # Errors
/// The database's.
pub async fn lines_of(
    tx: &mut Tx,
    item_ids: impl Iterator<Item = &str>,
) -> Result<HashMap<String, Vec<Entry>>, Fault> {
    stored_lines(tx, "", item_ids).await
}

/// Lines of these items for which the SQL `condition` holds.
async fn stored_lines(
    tx: &mut Tx,
    condition: &'static str,
    item_ids: impl Iterator<Item = &str>,
) -> Result<HashMap<String, Vec<Entry>>, Fault> {
    #[derive(FromRow)]
    struct Line {
        item_id: String,
        source: String,
        kind: String,
        actor: String,
        bot: i64,
        at: i64,
    }
    let mut sql = Sql::new("SELECT w.item_id, w.source, w.kind, w.actor, w.bot, w.at FROM timeline w WHERE ");
    sql.push(condition).push("w.item_id IN (NULL");
    for item_id in item_ids {
        sql.push_bind(", ", item_id);
    }
    sql.push(") ORDER BY w.item_id, w.source");
    let mut lines: HashMap<String, Vec<Entry>> = HashMap::new();
    for line in sql.fetch_all::<Line>(&mut *tx).await? {
        let actor = Actor { login: line.actor, bot: line.bot == 1 };
        let happened = line.kind.parse().map_err(Fault::internal)?;
        let entry = Entry { source: line.source, happened, actor, at: line.at };
        lines.entry(line.item_id).or_default().push(entry);
    }
    Ok(lines)
}
