//! What GitHub says, into the one schema: an item together with its task, and what the rules make of it, in one transaction.

use async_trait::async_trait;
use automator_backlog::history::Who;
use automator_github::{
    repositories::{self, TrackedRepository},
    told::{Snapshot, Told},
    write::{self, ItemWriter, Written},
};
use automator_ranking::score;
use chassis::Fault;
use domain::{Catalogue, Occurrence, Origin, Rice, State, Status};
use store::{Store, Tx, query};

use crate::{
    rules,
    tasks::{StoredTask, TABLES},
};

/// The table that says who is in the team.
pub const MEMBERS: &str = "members";

/// Writes whatever an import or a webhook brings.
#[derive(Debug)]
pub struct OneSchema(pub Store);

#[async_trait]
impl ItemWriter for OneSchema {
    async fn write(
        &self,
        tx: &mut Tx,
        repository: &TrackedRepository,
        items: &[Told],
        origin: Origin,
        occurrence: Option<Occurrence>,
    ) -> Result<(), Fault> {
        apply(&self.0, tx, repository, items, origin, occurrence.as_ref()).await.map(drop)
    }
}

/// Writes items, their timelines and their tasks within `tx`, and what the rules make of what the first of them was told for.
///
/// # Errors
/// The database's.
pub async fn apply(
    store: &Store,
    tx: &mut Tx,
    repository: &TrackedRepository,
    items: &[Told],
    origin: Origin,
    occurrence: Option<&Occurrence>,
) -> Result<Vec<Written>, Fault> {
    let day = TABLES.hold(store, tx).await?;
    let all_written = write::write(store, tx, MEMBERS, repository, items).await?;
    for (told, written) in items.iter().zip(&all_written) {
        if written.changed {
            write_task(store, tx, day, repository, &told.snapshot, written, origin).await?;
        }
    }
    if let (Some(event), Some(item)) = (occurrence, all_written.first()) {
        rules::decide(tx, &item.item_id, event).await?;
    }
    Ok(all_written)
}

/// Makes, follows, ends or takes up again the task of an item that changed.
async fn write_task(
    store: &Store,
    tx: &mut Tx,
    day: i64,
    repository: &TrackedRepository,
    item: &Snapshot,
    written: &Written,
    origin: Origin,
) -> Result<(), store::Error> {
    let is_open = item.state == State::Open;
    let rice =
        Rice::of_item(repository.reach, item.kind, &written.labels, written.comments, written.reactions);
    if is_open && make_task(tx, repository, item, &written.item_id, &rice).await? {
        return Ok(());
    }
    let id = domain::task_id(&item.key).to_string();
    let Some(stored) = StoredTask::find(store, tx, &id).await? else { return Ok(()) };
    let mut task = stored.clone();
    if !is_open {
        Status::Done.as_str().clone_into(&mut task.fields.status);
    } else {
        if written.before.is_some_and(|before| before != State::Open) {
            Status::Intake.as_str().clone_into(&mut task.fields.status);
        }
        task.fields.follow(&rice);
    }
    stored.become_like(&task, tx, day, Who::Github(origin)).await
}

/// Makes the task of an open item; whether there was none.
async fn make_task(
    tx: &mut Tx,
    repository: &TrackedRepository,
    item: &Snapshot,
    item_id: &str,
    rice: &Rice,
) -> Result<bool, store::Error> {
    // Without a due date it is the same on each day.
    let precedence = -score(rice, Status::Intake, None);
    let made: Option<(i64,)> = query(
        "INSERT INTO tasks (id, item_id, repository_id, item_key, opened_at, status, reach, impact, confidence, effort, \
                            rice_set, version, created_at, updated_at, precedence) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 1, $11, $11, $12) ON CONFLICT (item_id) DO NOTHING \
         RETURNING (SELECT tracked FROM repositories WHERE id = $3)",
    )
    .bind(domain::task_id(&item.key).to_string())
    .bind(item_id)
    .bind(&repository.id)
    .bind(item.key.to_string())
    .bind(item.created_at)
    .bind(Status::Intake.as_str())
    .bind(rice.reach)
    .bind(rice.impact)
    .bind(rice.confidence)
    .bind(rice.effort)
    .bind(store::now())
    .bind(precedence)
    .fetch_optional(&mut *tx)
    .await?;
    // Whoever started last says what is tracked; our catalogue may be an older one.
    if let Some((1,)) = made {
        TABLES.counts.moved(tx, None, Some(precedence)).await?;
    }
    Ok(made.is_some())
}

/// Writes the catalogue into the database, and gives the tasks that follow their items the new reach. Other processes may be at work
/// meanwhile: their ranks are right from the commit on.
///
/// # Errors
/// The database's.
pub async fn track(store: &Store, catalogue: &Catalogue) -> Result<(), store::Error> {
    let mut tx = store.begin_write().await?;
    let day = TABLES.hold_alone(store, &mut tx).await?;
    for repository in repositories::track(&mut tx, catalogue).await? {
        follow_reach(store, &mut tx, day, &repository.id, repository.reach).await?;
    }
    TABLES.count(&mut tx).await?;
    tx.commit().await
}

/// Gives the tasks of a repository whose factors follow their item the reach that a new base reach makes.
async fn follow_reach(
    store: &Store,
    tx: &mut Tx,
    day: i64,
    repository_id: &str,
    base_reach: f64,
) -> Result<(), store::Error> {
    let items: Vec<(String, i64, i64)> = query(
        "SELECT t.id, i.comments, i.reactions FROM tasks t JOIN items i ON i.id = t.item_id \
         WHERE i.repository_id = $1 AND t.rice_set = 0 ORDER BY t.id",
    )
    .bind(repository_id)
    .fetch_all(&mut *tx)
    .await?;
    for (id, comments, reactions) in items {
        let Some(stored) = StoredTask::find(store, tx, &id).await? else { continue };
        let mut task = stored.clone();
        task.fields.follow_reach(Rice::reach_of_item(base_reach, comments, reactions));
        stored.become_like(&task, tx, day, Who::Catalogue).await?;
    }
    Ok(())
}
