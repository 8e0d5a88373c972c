//! Reads tasks in their order. Their items are github's: one call for a page.

use std::collections::HashMap;

use async_trait::async_trait;
use automator_backlog::order::{Place, after, behind, day_of, sort_key};
use automator_ranking::Score;
use domain::{Item, ItemKey, Limit, Login, Page, Rice, Status, Task, TaskQuery};
use sqlx::FromRow;
use step_02_contracts::{Ctx, Fault, Items, backlog::Workload};
use store::{
    On, Sql, Store, cursor, query,
    time::{date, time, today},
};
use uuid::Uuid;

use crate::pieces::with_items::{Stitched, TaskRow, with_items};

/// The columns of a [`Row`], from a `t` that has score and rank.
const COLUMNS: &str = "t.id, t.item_key, t.opened_at, t.status, t.assignee, t.due_day, t.reach, t.impact, t.confidence, t.effort, \
     t.score, t.rank, t.version, t.updated_at";

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

/// Begins a SELECT from `ranked t`, the tasks that meet `condition`. The rank counts among all of them, whatever is
/// filtered afterwards.
fn ranked(today: i64, condition: &'static str) -> Sql {
    let mut sql = Sql::new("WITH scored AS (SELECT backlog_tasks.*, ");
    sql.push_own(&Score::expression(today));
    // The order of `Sort::Rank`, so that one sort serves both.
    sql.push(" AS score FROM backlog_tasks WHERE tracked = 1 AND ").push(condition).push(
        "), ranked AS (SELECT scored.*, CASE WHEN status = 'done' THEN NULL \
                       ELSE row_number() OVER (ORDER BY -score, opened_at, item_key) END AS rank FROM scored) \
         SELECT ",
    );
    sql.push(COLUMNS).push(" FROM ranked t");
    sql
}

/// A page of tasks.
pub(crate) async fn read(
    store: &Store,
    ctx: &Ctx,
    query: &TaskQuery,
    github: &dyn Items,
) -> Result<Page<Task>, Fault> {
    let (sort, today) = (query.sort, day_of(query)?);
    let done = query.status == Some(Status::Done);
    let mut sql = ranked(today, if done { "status = 'done'" } else { "status <> 'done'" });
    sql.push(" WHERE 1 = 1");
    if let Some(status) = query.status {
        sql.push_bind(" AND t.status = ", status.as_str());
    }
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
    sql.push(" ORDER BY ").push(sort_key(sort)).push(" LIMIT ").bind(cursor::one_more(query.limit));
    let rows: Vec<Row> = sql.fetch_all(store).await?;
    let page: Page<TaskRow> = cursor::page(rows, query.limit, |last: &TaskRow| {
        let TaskRow { score, due_date, opened_at, ref key, .. } = *last;
        behind(sort, today, Place { score, due_date, opened_at, key })
    })?;
    let items = stitch(ctx, page.items, github).await?;
    Ok(Page { items, next_cursor: page.next_cursor })
}

/// One task as it is stored, with its rank, which is one more than the open tasks before it.
pub(crate) async fn row(executor: impl Into<On<'_>>, id: Uuid) -> Result<TaskRow, Fault> {
    let score = Score::expression(today());
    let mut sql = Sql::new("WITH others AS (SELECT ");
    sql.push_own(&score).push(
        " AS score, opened_at, item_key FROM backlog_tasks WHERE tracked = 1 AND status <> 'done'), \
         scored AS (SELECT backlog_tasks.*, ",
    );
    sql.push_own(&score)
        .push_bind(" AS score FROM backlog_tasks WHERE tracked = 1 AND id = ", id.to_string());
    sql.push(
        "), chosen AS (SELECT s.*, CASE WHEN s.status = 'done' THEN NULL ELSE 1 + \
            (SELECT count(*) FROM others o \
             WHERE (-o.score, o.opened_at, o.item_key) < (-s.score, s.opened_at, s.item_key)) END AS rank FROM scored s) \
         SELECT ",
    );
    sql.push(COLUMNS).push(" FROM chosen t");
    let rows: Vec<Row> = sql.fetch_all(executor).await?;
    rows.into_iter().next().ok_or_else(|| unknown(id))?.try_into()
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
    let mut sql = ranked(today(), "status <> 'done'");
    sql.push(" WHERE t.assignee IN (NULL");
    for login in logins {
        sql.push_bind(", ", login.as_str());
    }
    sql.push(") ORDER BY t.rank");
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
