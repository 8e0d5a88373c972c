//! What became of a task: which field changed, when, from what to what, and who did it.

use std::fmt;

use domain::{HistoryLine, Origin};
use sqlx::FromRow;
use store::{On, Sql, Tx, time::time};
use uuid::Uuid;

/// Who changed a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who<'n> {
    /// A person or program over the API.
    Api,
    /// A person on a page.
    Page,
    /// The item on GitHub, told by an import or a webhook.
    Github(Origin),
    /// The catalogue: a repository has another base reach.
    Catalogue,
    /// The rule of that name.
    Rule(&'n str),
}

impl Who<'_> {
    /// Whether a rule may ask for what they did: for what people do and GitHub tells, not for an import, which tells of
    /// things long past, and not for a rule.
    #[must_use]
    pub fn sets_off_rules(self) -> bool {
        match self {
            Self::Api | Self::Page | Self::Github(Origin::Webhook) => true,
            Self::Github(Origin::Import) | Self::Catalogue | Self::Rule(_) => false,
        }
    }
}

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api => f.write_str("api"),
            Self::Page => f.write_str("page"),
            Self::Github(_) => f.write_str("github"),
            Self::Catalogue => f.write_str("catalogue"),
            Self::Rule(name) => write!(f, "rule {name}"),
        }
    }
}

/// A field with another value than before; `None` for none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// As the API names it: `status`, `rice.reach`.
    pub field: &'static str,
    /// The value that it had.
    pub before: Option<String>,
    /// The value that it has now.
    pub after: Option<String>,
}

/// Writes a line for each change into `table`, in the transaction that made the task's `version`.
///
/// # Errors
/// The database's.
pub async fn record(
    tx: &mut Tx,
    table: &'static str,
    task_id: &str,
    version: i64,
    who: Who<'_>,
    changes: &[Change],
) -> Result<(), store::Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let (at, who) = (store::now(), who.to_string());
    let mut sql = Sql::new("INSERT INTO ");
    sql.push(table).push(" (id, task_id, at, who, field, before, after, version) VALUES ");
    for (index, change) in changes.iter().enumerate() {
        sql.push(if index == 0 { "(" } else { ", (" }).bind(Uuid::now_v7().to_string());
        sql.push_bind(", ", task_id).push_bind(", ", at).push_bind(", ", who.as_str());
        sql.push_bind(", ", change.field).push_bind(", ", change.before.as_deref());
        sql.push_bind(", ", change.after.as_deref()).push_bind(", ", version).push(")");
    }
    sql.execute(tx).await?;
    Ok(())
}

/// A line as it is stored.
#[derive(Debug, FromRow)]
struct Row {
    at: i64,
    who: String,
    field: String,
    before: Option<String>,
    after: Option<String>,
    version: i64,
}

impl From<Row> for HistoryLine {
    fn from(Row { at, who, field, before, after, version }: Row) -> Self {
        Self { at: time(at), who, field, before, after, version }
    }
}

/// The latest lines of a task in `table`, newest first, at most `limit`.
///
/// # Errors
/// The database's.
pub async fn of_task(
    executor: impl Into<On<'_>>,
    table: &'static str,
    id: Uuid,
    limit: i64,
) -> Result<Vec<HistoryLine>, store::Error> {
    let mut sql = Sql::new("SELECT at, who, field, before, after, version FROM ");
    sql.push(table)
        .push_bind(" WHERE task_id = ", id.to_string())
        .push(" ORDER BY version DESC, field, id LIMIT ")
        .bind(limit);
    let rows: Vec<Row> = sql.fetch_all(executor).await?;
    Ok(rows.into_iter().map(HistoryLine::from).collect())
}
