//! The one place that changes tasks, whoever asks: a person over the API or on a page, the item on GitHub, the catalogue.
//! What changed is written into the history in the same transaction.

use automator_backlog::{
    fields::Fields,
    history::{self, Who},
    ranks::Counts,
    rules::status_changed,
    scores::Tables,
};
use chassis::Fault;
use domain::{Login, Status, TaskChange};
use sqlx::FromRow;
use store::{Query, Store, Tx, query};
use uuid::Uuid;

use crate::{Result, rules};

/// The table of the history.
pub const CHANGES: &str = "task_changes";

/// Where scores stand, and which tasks have a rank.
pub const TABLES: Tables = Tables {
    tasks: "tasks",
    day: "task_day",
    counts: Counts {
        ranked: "status <> 'done' AND repository_id IN (SELECT id FROM repositories WHERE tracked = 1)",
        counted: "task_counts",
        moves: "task_moves",
    },
};

/// Makes `change` within `tx`. `expected` may refuse the version that is stored.
///
/// # Errors
/// 404 unknown task, 422 naming the field that is wrong, and what `expected` says.
pub async fn change(
    store: &Store,
    tx: &mut Tx,
    id: Uuid,
    change: &TaskChange,
    expected: impl FnOnce(i64) -> Result<(), Fault>,
    who: Who<'_>,
) -> Result<()> {
    change.validate().map_err(Fault::Invalid)?;
    let day = TABLES.hold(store, tx).await?;
    let stored = StoredTask::find(store, tx, &id.to_string())
        .await?
        .ok_or_else(|| Fault::NotFound(format!("task {id}")))?;
    expected(stored.version)?;
    let changed = stored.with(tx, change).await?;
    if changed.fields.status != Status::Done.as_str() && !is_open(tx, &stored.item_id).await? {
        return Err(Fault::invalid("status", "must be done: the item is closed").into());
    }
    stored.become_like(&changed, tx, day, who).await?;
    Ok(())
}

/// What of a task may change, as it is stored.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct StoredTask {
    id: String,
    item_id: String,
    assignee_id: Option<String>,
    /// Their assignee is the login that belongs to `assignee_id`.
    #[sqlx(flatten)]
    pub(crate) fields: Fields,
    version: i64,
    precedence: f64,
    /// 1: its repository is tracked, so it has a rank until it is done.
    tracked: i64,
}

impl StoredTask {
    /// The task, locked until the transaction ends, in which the day of the scores is held.
    pub(crate) async fn find(store: &Store, tx: &mut Tx, id: &str) -> Result<Option<Self>, store::Error> {
        let sql = format!(
            "SELECT id, item_id, status, assignee_id, \
                    (SELECT login FROM members WHERE members.id = tasks.assignee_id) AS assignee, due_day, reach, \
                    impact, confidence, effort, rice_set, version, precedence, \
                    (SELECT tracked FROM repositories WHERE repositories.id = tasks.repository_id) AS tracked \
             FROM tasks WHERE id = $1{}",
            store.for_update()
        );
        Query::assembled(sql).bind(id).fetch_optional(&mut *tx).await
    }

    /// The row with the change applied.
    async fn with(&self, tx: &mut Tx, change: &TaskChange) -> Result<Self> {
        let mut new = Self { fields: self.fields.with(change), ..self.clone() };
        if let Some(assignee) = &change.assignee {
            new.assignee_id = match assignee {
                Some(login) => Some(active_member(tx, login).await?),
                None => None,
            };
        }
        Ok(new)
    }

    fn is_ranked(&self) -> bool {
        self.tracked == 1 && self.fields.status != Status::Done.as_str()
    }

    /// Stores `new` in place of this row on the `day` that is held, with what differs in the history; nothing when they are the same.
    pub(crate) async fn become_like(
        &self,
        new: &Self,
        tx: &mut Tx,
        day: i64,
        who: Who<'_>,
    ) -> Result<(), store::Error> {
        if new == self {
            return Ok(());
        }
        let version = self.version + 1;
        let precedence = new.fields.precedence(day);
        query(
            "UPDATE tasks SET status = $1, assignee_id = $2, due_day = $3, reach = $4, impact = $5, confidence = $6, \
                              effort = $7, rice_set = $8, version = $9, updated_at = $10, precedence = $11 \
             WHERE id = $12",
        )
        .bind(&new.fields.status)
        .bind(&new.assignee_id)
        .bind(new.fields.due_day)
        .bind(new.fields.reach)
        .bind(new.fields.impact)
        .bind(new.fields.confidence)
        .bind(new.fields.effort)
        .bind(new.fields.rice_set)
        .bind(version)
        .bind(store::now())
        .bind(precedence)
        .bind(&self.id)
        .execute(&mut *tx)
        .await?;
        let to = new.is_ranked().then_some(precedence);
        TABLES.counts.moved(tx, self.is_ranked().then_some(self.precedence), to).await?;
        history::record(tx, CHANGES, &self.id, version, who, &self.fields.changes(&new.fields)).await?;
        if new.fields.status != self.fields.status && who.sets_off_rules() {
            rules::decide(tx, &self.item_id, &status_changed(&self.id, version)).await?;
        }
        Ok(())
    }
}

/// Whether the item is open, now that its task is locked: whoever closes it comes after us.
async fn is_open(tx: &mut Tx, item_id: &str) -> Result<bool> {
    let (state,): (String,) =
        query("SELECT state FROM items WHERE id = $1").bind(item_id).fetch_one(&mut *tx).await?;
    Ok(state == domain::State::Open.as_str())
}

async fn active_member(tx: &mut Tx, login: &Login) -> Result<String> {
    let member: Option<(String,)> = query("SELECT id FROM members WHERE login = $1 AND active = 1")
        .bind(login.as_str())
        .fetch_optional(&mut *tx)
        .await?;
    member
        .map(|(id,)| id)
        .ok_or_else(|| Fault::invalid("assignee", "must be an active member of the team").into())
}
