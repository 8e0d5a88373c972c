//! The orders in which tasks are listed, and the cursors of those lists.

use chassis::Fault;
use domain::{ItemKey, Sort, Task, TaskQuery};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use store::{
    Sql, cursor,
    time::{day, today},
};

/// A due day that sorts after all others: tasks without one.
const NEVER_DUE: i64 = i64::MAX;

/// Name of a list in that order, for its cursors.
fn list_of(sort: Sort) -> &'static str {
    match sort {
        Sort::Rank => "tasks/rank",
        Sort::Due => "tasks/due",
        Sort::Age => "tasks/age",
    }
}

/// The sort key, ascending, as a row value over tasks `t`. A PostgreSQL parameter has no
/// place for `NEVER_DUE` but a literal does.
#[must_use]
pub fn sort_key(sort: Sort) -> &'static str {
    match sort {
        Sort::Rank => "t.precedence, t.opened_at, t.item_key",
        Sort::Due => "coalesce(t.due_day, 9223372036854775807), t.opened_at, t.item_key",
        Sort::Age => "t.opened_at, t.item_key",
    }
}

/// Where a page ended. `today` is the day on which the first page was asked for: scores change at
/// midnight, and a list that is being read must keep its order.
#[derive(Debug, Serialize, Deserialize)]
struct Position<K> {
    today: i64,
    key: K,
    /// The rank of the last task, in the list of all open ones by rank: the next has the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rank: Option<i64>,
}

/// For how many days a list may be read on.
const CURSOR_DAYS: u64 = 7;

fn position<K: DeserializeOwned>(sort: Sort, cursor: &str) -> Result<Position<K>, Fault> {
    let position: Position<K> = cursor::decode(list_of(sort), cursor)?;
    if position.today.abs_diff(today()) > CURSOR_DAYS {
        return Err(Fault::invalid("cursor", "is too old; read the list from its beginning"));
    }
    Ok(position)
}

/// The day whose scores a list shows, since 1970-01-01.
///
/// # Errors
/// 422 for a cursor of another list.
pub fn day_of(params: &TaskQuery) -> Result<i64, Fault> {
    match &params.cursor {
        Some(cursor) => Ok(position::<serde_json::Value>(params.sort, cursor)?.today),
        None => Ok(today()),
    }
}

/// The rank of the first task of the page that is asked for, where the list is that of all open tasks by rank, so that it need
/// not be counted.
///
/// # Errors
/// 422 for a cursor of another list.
pub fn first_rank(params: &TaskQuery) -> Result<Option<i64>, Fault> {
    let TaskQuery { status, assignee, language, kind, sort, cursor, .. } = params;
    let all = status.is_none() && assignee.is_none() && language.is_none() && kind.is_none();
    if !all || *sort != Sort::Rank {
        return Ok(None);
    }
    match cursor {
        Some(cursor) => {
            Ok(position::<serde_json::Value>(*sort, cursor)?.rank.map(|rank| rank.saturating_add(1)))
        }
        None => Ok(Some(1)),
    }
}

/// Leaves out what stands before the page that is asked for.
///
/// # Errors
/// 422 for a cursor of another list.
pub fn after(sql: &mut Sql, params: &TaskQuery) -> Result<(), Fault> {
    let (sort, Some(cursor)) = (params.sort, &params.cursor) else { return Ok(()) };
    let after = |sql: &mut Sql| _ = sql.push(" AND (").push(sort_key(sort)).push(") > (");
    match sort {
        Sort::Rank => {
            after(sql);
            let (score, opened_at, key) = position::<(f64, i64, String)>(sort, cursor)?.key;
            sql.bind(-score).push_bind(", ", opened_at).push_bind(", ", key);
        }
        Sort::Due => {
            let (due_day, opened_at, key) = position::<(i64, i64, String)>(sort, cursor)?.key;
            // SQLite finds a range of an index over an expression by that expression alone.
            sql.push_bind(" AND coalesce(t.due_day, 9223372036854775807) >= ", due_day);
            after(sql);
            sql.bind(due_day).push_bind(", ", opened_at).push_bind(", ", key);
        }
        Sort::Age => {
            let (opened_at, key) = position::<(i64, String)>(sort, cursor)?.key;
            after(sql);
            sql.bind(opened_at).push_bind(", ", key);
        }
    }
    sql.push(")");
    Ok(())
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy)]
pub struct Place<'t> {
    /// The score of the list's day.
    pub score: f64,
    /// Its rank, if it has one.
    pub rank: Option<i64>,
    /// When it is due, if it is.
    pub due_date: Option<Date>,
    /// When the item was opened.
    pub opened_at: Timestamp,
    /// The item.
    pub key: &'t ItemKey,
}

impl<'t> From<&'t Task> for Place<'t> {
    fn from(task: &'t Task) -> Self {
        Self {
            score: task.score,
            rank: task.rank,
            due_date: task.due_date,
            opened_at: task.item.created_at,
            key: &task.item.key,
        }
    }
}

/// The cursor behind `last`.
///
/// # Errors
/// [`Fault::Internal`] when it has no text form.
pub fn behind(sort: Sort, today: i64, last: Place<'_>) -> Result<String, Fault> {
    let (opened_at, key) = (last.opened_at.as_millisecond(), last.key);
    match sort {
        Sort::Rank => cursor::encode(
            list_of(sort),
            &Position { today, key: (last.score, opened_at, key), rank: last.rank },
        ),
        Sort::Due => {
            let due_day = last.due_date.map_or(NEVER_DUE, day);
            cursor::encode(list_of(sort), &Position { today, key: (due_day, opened_at, key), rank: None })
        }
        Sort::Age => cursor::encode(list_of(sort), &Position { today, key: (opened_at, key), rank: None }),
    }
}
