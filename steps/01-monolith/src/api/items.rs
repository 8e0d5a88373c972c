//! `/api/items`

use axum::Json;
use chassis::{
    Fault, Problem,
    extract::{Path, Query},
};
use domain::{
    Category, Item, ItemKey, Kind, Language, Limit, Page, RepositoryName, State as ItemState, Waiting,
};
use serde::Deserialize;
use sqlx::FromRow;
use store::{Sql, cursor};
use utoipa::{IntoParams, ToSchema};

use super::time;
use crate::{Result, app::State};

/// Which items, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Params {
    /// `owner/name`.
    #[param(value_type = Option<String>)]
    repository: Option<RepositoryName>,
    /// Language of the repository.
    #[param(value_type = Option<String>)]
    language: Option<Language>,
    /// Issue or pull request.
    kind: Option<Kind>,
    /// Where it stands.
    state: Option<ItemState>,
    /// What it is about.
    category: Option<Category>,
    /// What the community waits for.
    waiting: Option<WaitingFor>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// 1 to 100.
    #[serde(default)]
    limit: Limit,
}

/// What the community waits for, or whether it waits at all.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WaitingFor {
    /// A first word.
    Contact,
    /// An answer.
    Response,
    /// Either.
    Any,
}

/// Columns of [`ItemRow`], from `items i` and `repositories r`.
pub(super) const COLUMNS: &str = "i.item_key, r.name AS repository, r.language, i.number, i.kind, i.title, i.url, \
     i.author, i.state, i.labels, i.category, i.difficulty, i.comments, i.reactions, i.created_at, i.updated_at, \
     i.closed_at, i.waiting, i.waiting_since";

/// An item as it is stored.
#[derive(Debug, FromRow)]
pub(super) struct ItemRow {
    pub(super) item_key: String,
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
    pub(super) created_at: i64,
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
            category: row
                .category
                .map(|text| text.parse::<Category>())
                .transpose()
                .map_err(Fault::internal)?,
            difficulty: row.difficulty.parse().map_err(Fault::internal)?,
            comments: row.comments,
            reactions: row.reactions,
            created_at: time(row.created_at),
            updated_at: time(row.updated_at),
            closed_at: row.closed_at.map(time),
            waiting: row.waiting.map(|text| text.parse::<Waiting>()).transpose().map_err(Fault::internal)?,
            waiting_since: row.waiting_since.map(time),
        })
    }
}

/// Issues and pull requests, newest first.
#[utoipa::path(
    get,
    path = "/api/items",
    params(Params),
    responses((status = 200, body = Page<Item>), (status = 422, body = Problem, content_type = "application/problem+json"))
)]
pub async fn list(
    state: axum::extract::State<State>,
    Query(params): Query<Params>,
) -> Result<Json<Page<Item>>> {
    let mut sql = Sql::new("SELECT ");
    sql.push(COLUMNS).push(" FROM items i JOIN repositories r ON r.id = i.repository_id WHERE r.tracked = 1");
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
        // A forged cursor may hold the one number that has no negative.
        let created_at = created_at.max(-i64::MAX);
        sql.push_bind(" AND (-i.created_at, i.item_key) > (", -created_at).push_bind(", ", key).push(")");
    }
    sql.push(" ORDER BY -i.created_at, i.item_key LIMIT ").bind(super::one_more(params.limit));
    let rows: Vec<ItemRow> = sql.fetch_all(state.store.pool()).await?;
    Ok(Json(super::page(rows, params.limit, |last: &ItemRow| {
        cursor::encode("items", &(last.created_at, &last.item_key))
    })?))
}

/// One issue or pull request.
#[utoipa::path(
    get,
    path = "/api/items/{owner}/{name}/{number}",
    params(("owner" = String, Path), ("name" = String, Path), ("number" = i64, Path)),
    responses((status = 200, body = Item), (status = 404, body = Problem, content_type = "application/problem+json"))
)]
pub async fn get(
    state: axum::extract::State<State>,
    Path((owner, name, number)): Path<(String, String, i64)>,
) -> Result<Json<Item>> {
    let wanted = format!("{owner}/{name}#{number}");
    let missing = || Fault::NotFound(format!("item {wanted}"));
    let key: ItemKey = wanted.parse().map_err(|_| missing())?;
    let mut sql = Sql::new("SELECT ");
    sql.push(COLUMNS).push(" FROM items i JOIN repositories r ON r.id = i.repository_id WHERE i.item_key = ");
    // GitHub's names ignore case; the catalogue has the spelling that keys are stored under.
    let repository = state.catalogue.find(key.repository().as_str()).ok_or_else(missing)?;
    sql.bind(format!("{}#{}", repository.name, key.number()));
    let rows: Vec<ItemRow> = sql.fetch_all(state.store.pool()).await?;
    let row = rows.into_iter().next().ok_or_else(missing)?;
    Ok(Json(row.try_into()?))
}
