//! Reads tasks in their order. Their items are github's: one call for a page.

use std::collections::HashMap;

use async_trait::async_trait;
use automator_backlog::order::{Place, after, behind, day_of, first_rank, sort_key};
use automator_ranking::Score;
use domain::{Item, ItemKey, Limit, Login, Page, Rice, Sort, Task, TaskQuery};
use sqlx::FromRow;
use step_02_contracts::{Ctx, Fault, Items, backlog::Workload};
use store::{
    On, Sql, Store, cursor, query,
    time::{date, time},
};
use uuid::Uuid;

use crate::{
    pieces::with_items::{Stitched, TaskRow, with_items},
    task::SCORES,
};

/// The columns of a [`Row`] but for its rank, from `backlog_tasks t`.
const COLUMNS: &str = "t.id, t.item_key, t.opened_at, t.status, t.assignee, t.due_day, t.reach, t.impact, t.confidence, t.effort, \
     0.0 - t.precedence AS score, t.version, t.updated_at";

/// A task as it is stored.
#[derive(Debug, FromRow)]
struct Row {
    id: String,
    item_key: String,
    opened_at: i64,
    status: String,
    assignee: Option<String>,
    due_day: Option<i64>,
    reach: f64,
    impact: f64,
    confidence: f64,
    effort: f64,
    score: f64,
    rank: Option<i64>,
    version: i64,
    updated_at: i64,
}

impl TryFrom<Row> for TaskRow {
    type Error = Fault;

    /// # Errors
    /// [`Fault::Internal`] for a row that we cannot have written.
    fn try_from(row: Row) -> Result<Self, Fault> {
        let Row { reach, impact, confidence, effort, .. } = row;
        Ok(Self {
            id: row.id.parse().map_err(Fault::internal)?,
            key: row.item_key.parse().map_err(Fault::internal)?,
            opened_at: time(row.opened_at),
            status: row.status.parse().map_err(Fault::internal)?,
            assignee: row.assignee.as_deref().map(str::parse).transpose().map_err(Fault::internal)?,
            due_date: row.due_day.map(date).transpose()?,
            rice: Rice { reach, impact, confidence, effort },
            score: row.score,
            rank: row.rank,
            version: row.version,
            updated_at: time(row.updated_at),
        })
    }
}

/// The tasks with their precedence on a day other than today: those of a list that was begun before midnight, which keeps its order.
fn tasks_on(day: i64) -> String {
    let columns = "id, item_key, opened_at, language, kind, tracked, status, assignee, due_day, reach, impact, confidence, effort, \
                   version, updated_at";
    format!("(SELECT {columns}, -{} AS precedence FROM backlog_tasks)", Score::expression(day))
}

/// The rows of `chosen t`, with that rank and what it is joined with for it.
fn with_ranks(sql: &mut Sql, (rank, join): &(String, String)) {
    sql.push("SELECT ").push(COLUMNS).push(", ").push_own(rank).push(" AS rank FROM chosen t").push_own(join);
}

/// A page of tasks. The scores have to be those of `today`.
pub(crate) async fn read(
    store: &Store,
    today: i64,
    ctx: &Ctx,
    query: &TaskQuery,
    github: &dyn Items,
) -> Result<Page<Task>, Fault> {
    let (sort, day) = (query.sort, day_of(query)?);
    let tasks = if day == today { SCORES.tasks.to_owned() } else { tasks_on(day) };
    let first_rank = first_rank(query)?;
    let mut sql = Sql::new("WITH chosen AS (SELECT t.* FROM ");
    sql.push_own(&tasks).push(" t WHERE t.tracked = 1");
    match query.status {
        Some(status) => sql.push_bind(" AND t.status = ", status.as_str()),
        None => sql.push(" AND t.status <> 'done'"),
    };
    if let Some(assignee) = &query.assignee {
        sql.push_bind(" AND t.assignee = ", assignee.as_str());
    }
    if let Some(language) = &query.language {
        sql.push_bind(" AND t.language = ", language.as_str());
    }
    if let Some(kind) = query.kind {
        sql.push_bind(" AND t.kind = ", kind.as_str());
    }
    after(&mut sql, query)?;
    sql.push(" ORDER BY ").push(sort_key(sort)).push_own(&cursor::limit(query.limit)).push(") ");
    let ranks = match first_rank {
        Some(_) => ("CAST(NULL AS BIGINT)".to_owned(), String::new()),
        None if day == today => (SCORES.counts.rank(SCORES.tasks), String::new()),
        None => SCORES.counts.numbered(&tasks),
    };
    with_ranks(&mut sql, &ranks);
    sql.push(" ORDER BY ").push(sort_key(sort));
    let mut rows: Vec<Row> = sql.fetch_all(store).await?;
    if let Some(first) = first_rank {
        (first..).zip(&mut rows).for_each(|(rank, row)| row.rank = Some(rank));
    }
    let page: Page<TaskRow> = cursor::page(rows, query.limit, |last: &TaskRow| {
        let TaskRow { score, rank, due_date, opened_at, ref key, .. } = *last;
        behind(sort, day, Place { score, rank, due_date, opened_at, key })
    })?;
    let items = stitch(ctx, page.items, github).await?;
    Ok(Page { items, next_cursor: page.next_cursor })
}

/// One task as it is stored, with its rank, which is one more than the open tasks before it. The scores have to be those of today.
pub(crate) async fn row(on: impl Into<On<'_>>, id: Uuid) -> Result<TaskRow, Fault> {
    let mut sql = Sql::new("SELECT ");
    sql.push(COLUMNS).push(", ").push_own(&SCORES.counts.rank(SCORES.tasks));
    sql.push_bind(" AS rank FROM backlog_tasks t WHERE t.tracked = 1 AND t.id = ", id.to_string());
    let row: Option<Row> = sql.fetch_optional(on).await?;
    row.ok_or_else(|| unknown(id))?.try_into()
}

/// The item of a task.
pub(crate) async fn key(store: &Store, id: Uuid) -> Result<ItemKey, Fault> {
    let row: Option<(String,)> = query("SELECT item_key FROM backlog_tasks WHERE tracked = 1 AND id = $1")
        .bind(id.to_string())
        .fetch_optional(store)
        .await?;
    let (key,) = row.ok_or_else(|| unknown(id))?;
    key.parse().map_err(Fault::internal)
}

/// Items that were asked for before.
pub(crate) struct Known(HashMap<ItemKey, Item>);

impl Known {
    /// The item of that key.
    pub(crate) async fn of(ctx: &Ctx, key: ItemKey, github: &dyn Items) -> Result<Self, Fault> {
        Ok(Self(github.items(ctx, &[key]).await?))
    }
}

#[async_trait]
impl Items for Known {
    async fn items(&self, _: &Ctx, keys: &[ItemKey]) -> Result<HashMap<ItemKey, Item>, Fault> {
        let known = |key: &ItemKey| Some((key.clone(), self.0.get(key)?.clone()));
        Ok(keys.iter().filter_map(known).collect())
    }
}

/// That task with its item.
pub(crate) async fn one(ctx: &Ctx, row: TaskRow, github: &dyn Items) -> Result<Task, Fault> {
    let id = row.id;
    stitch(ctx, vec![row], github).await?.into_iter().next().ok_or_else(|| unknown(id))
}

fn unknown(id: Uuid) -> Fault {
    Fault::NotFound(format!("task {id}"))
}

/// What these members have to do.
pub(crate) async fn workload(
    store: &Store,
    ctx: &Ctx,
    logins: &[Login],
    limit: u32,
    github: &dyn Items,
) -> Result<Vec<Workload>, Fault> {
    let mut sql = Sql::new("WITH chosen AS (SELECT * FROM backlog_tasks WHERE ");
    sql.push(SCORES.counts.ranked).push(" AND assignee IN (NULL");
    for login in logins {
        sql.push_bind(", ", login.as_str());
    }
    sql.push(")) ");
    with_ranks(&mut sql, &(SCORES.counts.rank(SCORES.tasks), String::new()));
    sql.push(" ORDER BY ").push(sort_key(Sort::Rank));
    let rows: Vec<Row> = sql.fetch_all(store).await?;
    let rows = rows.into_iter().map(TaskRow::try_from).collect::<Result<Vec<_>, _>>()?;
    let of =
        |login: &Login| rows.iter().filter(|row| row.assignee.as_ref() == Some(login)).cloned().collect();
    let all: Vec<Vec<TaskRow>> = logins.iter().map(of).collect();
    let limit = Limit::new(limit).unwrap_or_default().get() as usize;
    let first = all.iter().flat_map(|rows| rows.iter().take(limit).cloned()).collect();
    let named = stitch(ctx, first, github).await?;
    let named =
        |login: &Login| named.iter().filter(|task| task.assignee.as_ref() == Some(login)).cloned().collect();
    Ok(logins
        .iter()
        .zip(all)
        .map(|(login, rows)| Workload {
            login: login.clone(),
            first: named(login),
            all: i64::try_from(rows.len()).unwrap_or(i64::MAX),
        })
        .collect())
}

/// Tasks with their items. One that github does not know is missing: it was told of it, so that says that something is
/// wrong.
async fn stitch(ctx: &Ctx, rows: Vec<TaskRow>, github: &dyn Items) -> Result<Vec<Task>, Fault> {
    let Stitched { tasks, without_item } = with_items(ctx, rows, github).await?;
    if without_item > 0 {
        tracing::warn!(without_item, "tasks are left out: github does not know their items");
    }
    Ok(tasks)
}
