//! Tasks follow their items: what github tells, and what the catalogue says.

use std::collections::HashSet;

use async_trait::async_trait;
use automator_backlog::{history::Who, rules::Facts};
use automator_ranking::score;
use domain::{Catalogue, Item, Login, Rice, State, Status};
use sqlx::FromRow;
use step_02_contracts::{BacklogEvent, Ctx, Fault, GithubEvent, Handler, ItemFact, Recorded};
use store::{Store, Tx, query};

use crate::{
    Module, rules,
    task::{SCORES, Stored},
};

/// How many events are taken in one transaction.
const AT_ONCE: usize = 50;

#[async_trait]
impl Handler for Module {
    fn name(&self) -> &'static str {
        "backlog"
    }

    async fn handle(&self, ctx: &Ctx, events: &[Recorded]) -> Result<(), Fault> {
        let heard: Vec<GithubEvent> = events
            .iter()
            .filter(|event| event.is_of("github"))
            .map(Recorded::read)
            .collect::<Result<_, _>>()?;
        // An import sets no rule off, so nobody needs to know who did it.
        let is_asked = heard.iter().any(|event| event.fact().origin == domain::Origin::Webhook);
        let maintainers = if is_asked { self.asks.team.logins(ctx, None).await? } else { HashSet::new() };
        for events in heard.chunks(AT_ONCE) {
            let mut tx = self.store.begin_write().await?;
            self.hear(&mut tx, events, &maintainers).await?;
            tx.commit().await?;
        }
        if is_asked {
            self.wake();
        }
        Ok(())
    }
}

impl Module {
    /// What `events` of github's have as their effect here, within the transaction of whoever heard them. `maintainers` is who is in the
    /// team: rules ask for it.
    ///
    /// # Errors
    /// The database's.
    pub async fn hear(
        &self,
        tx: &mut Tx,
        events: &[GithubEvent],
        maintainers: &HashSet<Login>,
    ) -> Result<(), Fault> {
        let day = SCORES.hold(&self.store, tx).await?;
        for event in events {
            self.follow(tx, day, event.fact(), maintainers).await?;
        }
        Ok(())
    }

    /// Tells the workers that rules may have decided something.
    pub fn wake(&self) {
        self.worker.queue().wake();
    }

    /// Makes, follows, ends or takes up again the task of an item; then asks the rules about what happened.
    async fn follow(
        &self,
        tx: &mut Tx,
        day: i64,
        fact: &ItemFact,
        maintainers: &HashSet<Login>,
    ) -> Result<(), Fault> {
        let item = &fact.item;
        let known = self.catalogue.find(item.repository.as_str());
        let reach = known.map_or(0.0, |known| known.reach);
        let rice = Rice::of_item(reach, item.kind, &item.labels, item.comments, item.reactions);
        let id = domain::task_id(&item.key);
        let is_open = item.state == State::Open;
        if is_open && make(tx, item, &rice, known.is_some()).await? {
            tx.record(&BacklogEvent::TaskCreated { id, key: item.key.clone(), origin: fact.origin })?;
        } else if let Some(stored) = Stored::find(&self.store, tx, id).await?
            && stored.item_updated_at <= item.updated_at.as_millisecond()
        {
            let mut task = stored.clone();
            copy(&mut task, item);
            if !is_open {
                Status::Done.as_str().clone_into(&mut task.fields.status);
            } else {
                if stored.closed == 1 {
                    Status::Intake.as_str().clone_into(&mut task.fields.status);
                }
                task.fields.follow(&rice);
            }
            stored.become_like(&task, tx, day, Who::Github(fact.origin), maintainers).await?;
        }
        if let Some(occurrence) = &fact.occurrence {
            let status = Stored::find(&self.store, tx, id).await?.map(|task| task.fields.status);
            let facts = Facts {
                kind: item.kind.to_string(),
                category: item.category.map(|category| category.to_string()),
                language: item.language.to_string(),
                author: item.author.clone(),
                status,
            };
            rules::decide(tx, occurrence, &facts, &item.key.to_string(), maintainers).await?;
        }
        Ok(())
    }
}

/// Gives a task its own copy of what it sorts and filters by.
fn copy(task: &mut Stored, item: &Item) {
    task.kind = item.kind.to_string();
    task.category = item.category.map(|category| category.to_string());
    task.language = item.language.to_string();
    task.author.clone_from(&item.author);
    task.closed = i64::from(item.state != State::Open);
    task.item_updated_at = item.updated_at.as_millisecond();
    task.comments = item.comments;
    task.reactions = item.reactions;
}

/// Makes the task of an open item, which has a rank where its repository is tracked; whether there was none.
async fn make(tx: &mut Tx, item: &Item, rice: &Rice, is_tracked: bool) -> Result<bool, Fault> {
    // Without a due date it is the same on each day.
    let precedence = -score(rice, Status::Intake, None);
    let made = query(
        "INSERT INTO backlog_tasks (id, item_key, repository, language, kind, category, author, tracked, closed, opened_at, \
                                    item_updated_at, comments, reactions, status, reach, impact, confidence, effort, \
                                    rice_set, version, created_at, updated_at, precedence) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $19, 0, $8, $9, $10, $11, $12, $13, $14, $15, $16, 0, 1, $17, $17, $18) \
         ON CONFLICT (item_key) DO NOTHING",
    )
    .bind(domain::task_id(&item.key).to_string())
    .bind(item.key.to_string())
    .bind(item.repository.as_str())
    .bind(item.language.as_str())
    .bind(item.kind.as_str())
    .bind(item.category.map(domain::Category::as_str))
    .bind(&item.author)
    .bind(item.created_at.as_millisecond())
    .bind(item.updated_at.as_millisecond())
    .bind(item.comments)
    .bind(item.reactions)
    .bind(Status::Intake.as_str())
    .bind(rice.reach)
    .bind(rice.impact)
    .bind(rice.confidence)
    .bind(rice.effort)
    .bind(store::now())
    .bind(precedence)
    .bind(i64::from(is_tracked))
    .execute(&mut *tx)
    .await?;
    if made == 1 && is_tracked {
        SCORES.counts.moved(tx, None, Some(precedence)).await?;
    }
    Ok(made == 1)
}

/// A task's own copy of what the catalogue says.
#[derive(Debug, FromRow)]
struct Known {
    id: String,
    repository: String,
    language: String,
    tracked: i64,
    comments: i64,
    reactions: i64,
    reach: f64,
    rice_set: i64,
}

/// Takes over the catalogue: what is tracked, its language, and the reach of tasks that follow their items. Other processes may be at
/// work meanwhile: their ranks are right from the commit on.
///
/// # Errors
/// The database's.
pub async fn track(store: &Store, catalogue: &Catalogue) -> Result<(), Fault> {
    let mut tx = store.begin_write().await?;
    let day = SCORES.hold_alone(store, &mut tx).await?;
    let tasks: Vec<Known> = query(
        "SELECT id, repository, language, tracked, comments, reactions, reach, rice_set FROM backlog_tasks ORDER BY id",
    )
    .fetch_all(&mut tx)
    .await?;
    for known in tasks {
        let repository = catalogue.find(&known.repository);
        let language = repository.map_or(known.language.as_str(), |repository| repository.language.as_str());
        if known.tracked != i64::from(repository.is_some()) || known.language != language {
            query("UPDATE backlog_tasks SET tracked = $1, language = $2 WHERE id = $3")
                .bind(i64::from(repository.is_some()))
                .bind(language)
                .bind(&known.id)
                .execute(&mut tx)
                .await?;
        }
        let Some(repository) = repository else { continue };
        let reach = Rice::reach_of_item(repository.reach, known.comments, known.reactions);
        // Others wait for us: only what changes is looked at again.
        if known.rice_set == 1 || known.reach == reach {
            continue;
        }
        let id = known.id.parse().map_err(Fault::internal)?;
        let Some(stored) = Stored::find(store, &mut tx, id).await? else { continue };
        let mut task = stored.clone();
        task.fields.follow_reach(reach);
        stored.become_like(&task, &mut tx, day, Who::Catalogue, &HashSet::new()).await?;
    }
    SCORES.count(&mut tx).await?;
    tx.commit().await.map_err(Fault::from)
}
