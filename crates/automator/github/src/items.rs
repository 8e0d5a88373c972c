//! Issues and pull requests, as they are stored and shown.

use chassis::Fault;
use domain::{Catalogue, Item, ItemKey, ItemQuery, Kind, Page, RepositoryName, Waiting, WaitingFor};
use sqlx::FromRow;
use store::{On, Sql, Store, cursor, time::time};

/// The columns of an [`ItemRow`], from `items i` and `repositories r`.
pub const COLUMNS: &str = "i.item_key, r.name AS repository, r.language, i.number, i.kind, i.title, i.url, i.author, i.state, \
     i.labels, i.category, i.difficulty, i.comments, i.reactions, i.created_at, i.updated_at, i.closed_at, i.waiting, \
     i.waiting_since";

/// An item as it is stored.
#[derive(Debug, FromRow)]
pub struct ItemRow {
    item_key: String,
    repository: String,
    language: String,
    number: i64,
    kind: String,
    title: String,
    url: String,
    author: String,
    state: String,
    labels: String,
    category: Option<String>,
    difficulty: String,
    comments: i64,
    reactions: i64,
    created_at: i64,
    updated_at: i64,
    closed_at: Option<i64>,
    waiting: Option<String>,
    waiting_since: Option<i64>,
}

impl TryFrom<ItemRow> for Item {
    type Error = Fault;

    /// # Errors
    /// [`Fault::Internal`] for a row that we cannot have written.
    fn try_from(row: ItemRow) -> Result<Self, Fault> {
        Ok(Self {
            key: row.item_key.parse().map_err(Fault::internal)?,
            repository: row.repository.parse().map_err(Fault::internal)?,
            language: row.language.parse().map_err(Fault::internal)?,
            number: row.number,
            kind: row.kind.parse().map_err(Fault::internal)?,
            title: row.title,
            url: row.url,
            author: row.author,
            state: row.state.parse().map_err(Fault::internal)?,
            labels: serde_json::from_str(&row.labels).map_err(Fault::internal)?,
            category: row.category.as_deref().map(str::parse).transpose().map_err(Fault::internal)?,
            difficulty: row.difficulty.parse().map_err(Fault::internal)?,
            comments: row.comments,
            reactions: row.reactions,
            created_at: time(row.created_at),
            updated_at: time(row.updated_at),
            closed_at: row.closed_at.map(time),
            waiting: row.waiting.as_deref().map(str::parse).transpose().map_err(Fault::internal)?,
            waiting_since: row.waiting_since.map(time),
        })
    }
}

/// Begins a SELECT of [`ItemRow`]s.
fn select() -> Sql {
    let mut sql = Sql::new("SELECT ");
    sql.push(COLUMNS).push(" FROM items i JOIN repositories r ON r.id = i.repository_id WHERE ");
    sql
}

/// A page of items.
///
/// # Errors
/// 422 for a cursor of another list.
pub async fn page(store: &Store, params: &ItemQuery) -> Result<Page<Item>, Fault> {
    let mut sql = select();
    sql.push("r.tracked = 1");
    if let Some(repository) = &params.repository {
        sql.push_bind(" AND lower(r.name) = ", repository.as_str().to_lowercase());
    }
    if let Some(language) = &params.language {
        sql.push_bind(" AND r.language = ", language.as_str());
    }
    if let Some(kind) = params.kind {
        sql.push_bind(" AND i.kind = ", kind.as_str());
    }
    if let Some(state) = params.state {
        sql.push_bind(" AND i.state = ", state.as_str());
    }
    if let Some(category) = params.category {
        sql.push_bind(" AND i.category = ", category.as_str());
    }
    match params.waiting {
        Some(WaitingFor::Contact) => _ = sql.push_bind(" AND i.waiting = ", Waiting::Contact.as_str()),
        Some(WaitingFor::Response) => _ = sql.push_bind(" AND i.waiting = ", Waiting::Response.as_str()),
        Some(WaitingFor::Any) => _ = sql.push(" AND i.waiting IS NOT NULL"),
        None => {}
    }
    if let Some(cursor) = &params.cursor {
        let (created_at, key): (i64, String) = cursor::decode("items", cursor)?;
        sql.push_bind(" AND i.created_at <= ", created_at).push_bind(" AND (i.created_at < ", created_at);
        sql.push_bind(" OR i.item_key > ", key).push(")");
    }
    sql.push(" ORDER BY i.created_at DESC, i.item_key").push_own(&cursor::limit(params.limit));
    let rows: Vec<ItemRow> = sql.fetch_all(store).await?;
    cursor::page(rows, params.limit, |last: &Item| {
        cursor::encode("items", &(last.created_at.as_millisecond(), &last.key))
    })
}

/// Items that the community waits for, the longest wait first: at most `limit`, and how many there are.
///
/// # Errors
/// The database's.
pub async fn waiting(store: &Store, limit: u32) -> Result<(Vec<Item>, i64), Fault> {
    const WAITING: &str = "r.tracked = 1 AND i.waiting IS NOT NULL";
    let mut sql = select();
    sql.push(WAITING).push(" ORDER BY i.waiting_since, i.item_key LIMIT ").bind(i64::from(limit));
    let rows: Vec<ItemRow> = sql.fetch_all(store).await?;
    let mut sql =
        Sql::new("SELECT count(*) FROM items i JOIN repositories r ON r.id = i.repository_id WHERE ");
    sql.push(WAITING);
    let count: Vec<(i64,)> = sql.fetch_all(store).await?;
    let items = rows.into_iter().map(Item::try_from).collect::<Result<_, Fault>>()?;
    Ok((items, count.first().map_or(0, |(count,)| *count)))
}

/// The open items of a kind in a repository, newest first.
///
/// # Errors
/// The database's.
pub async fn open(store: &Store, repository: &RepositoryName, kind: Kind) -> Result<Vec<Item>, Fault> {
    let mut sql = select();
    sql.push_bind("i.state = 'open' AND r.name = ", repository.as_str());
    sql.push_bind(" AND i.kind = ", kind.as_str()).push(" ORDER BY i.created_at DESC, i.number DESC");
    read_all(sql, store).await
}

/// The items whose `column` (`i.id` or `i.item_key`) is one of `values`, by key.
///
/// # Errors
/// The database's.
pub async fn among(
    executor: impl Into<On<'_>>,
    column: &'static str,
    values: impl Iterator<Item = String>,
) -> Result<Vec<Item>, Fault> {
    let mut sql = select();
    sql.push(column).push(" IN (NULL");
    for value in values {
        sql.push_bind(", ", value);
    }
    sql.push(") ORDER BY i.item_key");
    read_all(sql, executor).await
}

async fn read_all(sql: Sql, executor: impl Into<On<'_>>) -> Result<Vec<Item>, Fault> {
    let rows: Vec<ItemRow> = sql.fetch_all(executor).await?;
    rows.into_iter().map(Item::try_from).collect()
}

/// The item that is called `wanted`: `owner/name#number`, in any case.
///
/// # Errors
/// 404 no such item, or a repository that the catalogue does not have.
pub async fn find(store: &Store, catalogue: &Catalogue, wanted: &str) -> Result<Item, Fault> {
    let missing = || Fault::NotFound(format!("item {wanted}"));
    let key: ItemKey = wanted.parse().map_err(|_| missing())?;
    // GitHub's names ignore case; the catalogue has the spelling that keys are stored under.
    let repository = catalogue.find(key.repository().as_str()).ok_or_else(missing)?;
    let mut sql = select();
    sql.push_bind("i.item_key = ", format!("{}#{}", repository.name, key.number()));
    let rows: Vec<ItemRow> = sql.fetch_all(store).await?;
    rows.into_iter().next().ok_or_else(missing)?.try_into()
}
