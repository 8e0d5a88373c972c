//! The one place that changes tasks, whoever asks. What changed is written into the history, and recorded as events, in the
//! same transaction.

use std::collections::HashSet;

use automator_backlog::{
    fields::Fields,
    history::{self, Who},
    ranks::Counts,
    rules as decisions,
    scores::Tables,
};
use domain::{Login, Status, TaskChange};
use sqlx::FromRow;
use step_02_contracts::{BacklogEvent, Fault, backlog::not_a_member};
use store::{Query, Store, Tx, query};
use uuid::Uuid;

use crate::{CHANGES, pieces::react::Assigned, rules};

/// Where scores stand, and which tasks have a rank.
pub(crate) const SCORES: Tables = Tables {
    tasks: "backlog_tasks",
    day: "backlog_day",
    counts: Counts {
        ranked: "tracked = 1 AND status <> 'done'",
        counted: "backlog_counts",
        moves: "backlog_moves",
    },
};

/// Makes `change`. `maintainers` is who may have a task. Whom it was given to, if that has changed, is for the caller to tell.
pub(crate) async fn change(
    store: &Store,
    tx: &mut Tx,
    id: Uuid,
    change: &TaskChange,
    expected: Option<Vec<i64>>,
    who: Who<'_>,
    maintainers: &HashSet<Login>,
) -> Result<Option<Assigned>, Fault> {
    change.validate().map_err(Fault::Invalid)?;
    let day = SCORES.hold(store, tx).await?;
    let stored = Stored::find(store, tx, id)
        .await?
        .filter(|task| task.tracked == 1)
        .ok_or_else(|| Fault::NotFound(format!("task {id}")))?;
    if expected.is_some_and(|versions| !versions.contains(&stored.version)) {
        return Err(Fault::VersionMismatch { current: stored.version });
    }
    if let Some(Some(login)) = &change.assignee
        && !maintainers.contains(login)
    {
        return Err(not_a_member());
    }
    let changed = Stored { fields: stored.fields.with(change), ..stored.clone() };
    if changed.fields.status != Status::Done.as_str() && stored.closed == 1 {
        return Err(Fault::invalid("status", "must be done: the item is closed"));
    }
    stored.become_like(&changed, tx, day, who, maintainers).await?;
    if changed.fields.assignee == stored.fields.assignee {
        return Ok(None);
    }
    let assignee = changed.fields.assignee.as_deref().map(str::parse).transpose().map_err(Fault::internal)?;
    Ok(Some(Assigned { id, version: stored.version + 1, assignee, by: who.to_string() }))
}

/// A task as far as it may change, and as rules ask for it.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct Stored {
    id: String,
    pub(crate) item_key: String,
    pub(crate) kind: String,
    pub(crate) category: Option<String>,
    pub(crate) language: String,
    pub(crate) author: String,
    tracked: i64,
    pub(crate) closed: i64,
    pub(crate) item_updated_at: i64,
    pub(crate) comments: i64,
    pub(crate) reactions: i64,
    #[sqlx(flatten)]
    pub(crate) fields: Fields,
    version: i64,
    precedence: f64,
}

impl Stored {
    /// The task, locked until the transaction ends, in which the day of the scores is held.
    pub(crate) async fn find(store: &Store, tx: &mut Tx, id: Uuid) -> Result<Option<Self>, Fault> {
        let sql = format!(
            "SELECT id, item_key, kind, category, language, author, tracked, closed, item_updated_at, comments, reactions, \
                    status, assignee, due_day, reach, impact, confidence, effort, rice_set, version, precedence \
             FROM backlog_tasks WHERE id = $1{}",
            store.for_update()
        );
        Query::assembled(sql).bind(id.to_string()).fetch_optional(&mut *tx).await.map_err(Fault::from)
    }

    fn is_ranked(&self) -> bool {
        self.tracked == 1 && self.fields.status != Status::Done.as_str()
    }

    /// Stores `new` in place of this row on the `day` that is held, with what a client sees of it in the history; nothing when they are the same.
    pub(crate) async fn become_like(
        &self,
        new: &Self,
        tx: &mut Tx,
        day: i64,
        who: Who<'_>,
        maintainers: &HashSet<Login>,
    ) -> Result<(), Fault> {
        if new == self {
            return Ok(());
        }
        let precedence = new.fields.precedence(day);
        // A client sees its fields; the rest is the item's.
        let (version, updated_at) = if new.fields == self.fields {
            (self.version, None)
        } else {
            (self.version + 1, Some(store::now()))
        };
        query(
            "UPDATE backlog_tasks SET status = $1, assignee = $2, due_day = $3, reach = $4, impact = $5, confidence = $6, \
                                      effort = $7, rice_set = $8, version = $9, updated_at = coalesce($10, updated_at), \
                                      kind = $11, category = $12, language = $13, author = $14, closed = $15, \
                                      item_updated_at = $16, comments = $17, reactions = $18, precedence = $19 \
             WHERE id = $20",
        )
        .bind(&new.fields.status)
        .bind(&new.fields.assignee)
        .bind(new.fields.due_day)
        .bind(new.fields.reach)
        .bind(new.fields.impact)
        .bind(new.fields.confidence)
        .bind(new.fields.effort)
        .bind(new.fields.rice_set)
        .bind(version)
        .bind(updated_at)
        .bind(&new.kind)
        .bind(&new.category)
        .bind(&new.language)
        .bind(&new.author)
        .bind(new.closed)
        .bind(new.item_updated_at)
        .bind(new.comments)
        .bind(new.reactions)
        .bind(precedence)
        .bind(&self.id)
        .execute(&mut *tx)
        .await?;
        let to = new.is_ranked().then_some(precedence);
        SCORES.counts.moved(tx, self.is_ranked().then_some(self.precedence), to).await?;
        history::record(tx, CHANGES, &self.id, version, who, &self.fields.changes(&new.fields)).await?;
        self.tell(new, tx, version, who)?;
        if new.fields.status != self.fields.status && who.sets_off_rules() {
            let event = decisions::status_changed(&self.id, version);
            rules::decide(tx, &event, &new.facts(), &new.item_key, maintainers).await?;
        }
        Ok(())
    }

    /// Records what others may care about, but for whom it was given to.
    fn tell(&self, new: &Self, tx: &mut Tx, version: i64, who: Who<'_>) -> Result<(), Fault> {
        if new.fields.status != self.fields.status {
            let id = self.id.parse().map_err(Fault::internal)?;
            let before = self.fields.status.parse().map_err(Fault::internal)?;
            let after = new.fields.status.parse().map_err(Fault::internal)?;
            tx.record(&BacklogEvent::TaskStatusChanged { id, version, before, after, by: who.to_string() })?;
        }
        Ok(())
    }

    /// What a rule is held against.
    pub(crate) fn facts(&self) -> decisions::Facts {
        decisions::Facts {
            kind: self.kind.clone(),
            category: self.category.clone(),
            language: self.language.clone(),
            author: self.author.clone(),
            status: Some(self.fields.status.clone()),
        }
    }
}
