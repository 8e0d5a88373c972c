//! What the team has to do: tasks in the order of their rank, and the rules that move them.
//!
//! Owns tasks, their history and the rules. A task follows its item by github's events ([`on_events`]); a rule's decisions are
//! rows, done by workers ([`actions`]). For what a task shows of its item backlog asks for items once a page, for who may
//! have a task it asks who is in the team: whom it asks is in [`asks`].

mod actions;
mod asks;
mod assigned;
pub mod config;
mod on_events;
mod page;
pub mod pieces;
mod routes;
mod rules;
mod task;

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use automator_backlog::{
    actions::RuleWorker,
    history::{self, Who},
    rules as decisions,
    scores::Scores,
    stored_rules,
};
use chassis::background::Background;
use domain::{Catalogue, HistoryLine, Login, NewRule, Page, PageQuery, Rule, Task, TaskQuery};
use sqlx::migrate::Migrator;
use step_02_contracts::{
    Backlog, Ctx, Fault, Handler, IdempotencyKey, Once,
    backlog::{By, Update, Workload},
};
use store::{Query, Store, Tx, idempotency};
use uuid::Uuid;

use self::{actions::Ported, assigned::Assignments, config::BacklogConfig, page::Known};
pub use asks::{Asks, Ports};
pub use on_events::track;
pub use routes::router;

/// The tables that nobody else reads or writes.
pub const TABLES: [&str; 9] = [
    "backlog_tasks",
    "backlog_day",
    "backlog_counts",
    "backlog_moves",
    "backlog_changes",
    "rules",
    "backlog_runs",
    "backlog_actions",
    "backlog_keys",
];

const KEYS: &str = "backlog_keys";
const CHANGES: &str = "backlog_changes";

/// The migrations of this module.
#[must_use]
pub fn migrations() -> Migrator {
    sqlx::migrate!()
}

/// Whether somebody keeps rules here, or has: then those that Automator ships with were there already, less those that were taken away.
///
/// # Errors
/// The database's.
pub async fn has_rules(store: &Store) -> Result<bool, store::Error> {
    store.has_table("rules").await
}

/// Adds the rules that Automator ships with: for a database that never had any.
///
/// # Errors
/// The database's.
pub async fn ship_rules(store: &Store) -> Result<(), store::Error> {
    let sql = format!("{} ON CONFLICT DO NOTHING", decisions::shipped());
    Query::assembled(sql).execute(store).await.map(drop)
}

/// Makes anew what is derived from the tasks that this transaction sees: they came from `from`, with their scores.
///
/// # Errors
/// The database's.
pub async fn derive(from: &Store, tx: &mut Tx) -> Result<(), store::Error> {
    let day = task::SCORES.day_in(from).await?;
    task::SCORES.came(tx, day).await
}

/// The module behind its port.
#[derive(Clone)]
pub struct Module {
    store: Store,
    catalogue: Arc<Catalogue>,
    asks: Asks,
    assignments: Assignments,
    worker: RuleWorker<Ported>,
    scores: Scores,
}

impl Module {
    /// The module over its tables, ranking what `catalogue` tracks from now on. The composition has [`Module::mails`]
    /// listen, where there are some.
    ///
    /// # Errors
    /// The database's.
    pub async fn new(
        store: Store,
        catalogue: Arc<Catalogue>,
        asks: impl Into<Asks>,
        config: &BacklogConfig,
    ) -> Result<Self, Fault> {
        let asks = asks.into();
        idempotency::forget_old(&store, KEYS).await?;
        on_events::track(&store, &catalogue).await?;
        let assignments = Assignments::new(&asks, config.tell_assignees);
        let effects = Ported { store: store.clone(), asks: asks.clone(), assignments: assignments.clone() };
        let worker = RuleWorker::new(store.clone(), rules::ACTIONS, effects);
        let scores = Scores::of(store.clone(), task::SCORES).await?;
        Ok(Self { store, catalogue, asks, assignments, worker, scores })
    }

    /// Sends the mails to those who were given a task, where `config` wants that.
    #[must_use]
    pub fn mails(&self) -> Option<Arc<dyn Handler>> {
        self.assignments.mails()
    }

    /// Does what rules decided, in a process until it stops.
    ///
    /// # Errors
    /// The process does so already.
    pub fn work(&self, background: &mut Background) -> anyhow::Result<()> {
        self.worker.clone().work(background)
    }
}

#[async_trait]
impl Backlog for Module {
    async fn tasks(&self, ctx: &Ctx, query: TaskQuery) -> Result<Page<Task>, Fault> {
        page::read(&self.store, self.scores.today().await?, ctx, &query, &*self.asks.items).await
    }

    async fn task(&self, ctx: &Ctx, id: Uuid) -> Result<Task, Fault> {
        self.scores.today().await?;
        let row = page::row(&self.store, id).await?;
        page::one(ctx, row, &*self.asks.items).await
    }

    async fn change(&self, ctx: &Ctx, update: Update) -> Result<Task, Fault> {
        let Update { id, change, expected, by } = update;
        let who = match by {
            By::Api => Who::Api,
            By::Page => Who::Page,
        };
        // All that others have to say is asked before the transaction begins: a change that was stored is never answered with
        // their failure. Who is in the team is asked only where it decides something.
        let items = Known::of(ctx, page::key(&self.store, id).await?, &*self.asks.items).await?;
        let is_asked = change.status.is_some() || change.assignee.is_some();
        let wanted = change.assignee.as_ref().and_then(Option::as_ref);
        let maintainers = if is_asked { self.asks.team.logins(ctx, wanted).await? } else { HashSet::new() };
        self.scores.today().await?;
        let mut tx = self.store.begin_write().await?;
        let assigned = task::change(&self.store, &mut tx, id, &change, expected, who, &maintainers).await?;
        if let Some(assigned) = assigned {
            self.assignments.tell(ctx, &mut tx, &assigned).await?;
        }
        // Read before anybody else writes: what a rule makes of it is not this caller's change.
        let row = page::row(&mut tx, id).await?;
        tx.commit().await?;
        self.wake();
        page::one(ctx, row, &items).await
    }

    async fn history(&self, _: &Ctx, id: Uuid, limit: i64) -> Result<Vec<HistoryLine>, Fault> {
        history::of_task(&self.store, CHANGES, id, limit).await.map_err(Fault::from)
    }

    async fn workload(&self, ctx: &Ctx, logins: &[Login], limit: u32) -> Result<Vec<Workload>, Fault> {
        self.scores.today().await?;
        page::workload(&self.store, ctx, logins, limit, &*self.asks.items).await
    }

    async fn rules(&self, _: &Ctx, query: PageQuery) -> Result<Page<Rule>, Fault> {
        stored_rules::page(&self.store, &query).await
    }

    async fn add_rule(
        &self,
        _: &Ctx,
        key: Option<IdempotencyKey>,
        new: NewRule,
    ) -> Result<Once<Rule>, Fault> {
        let rule = stored_rules::made(new)?;
        idempotency::once_for(&self.store, KEYS, key, async |tx| {
            stored_rules::insert(tx, &rule).await?;
            Ok(rule)
        })
        .await
    }

    async fn remove_rule(&self, _: &Ctx, id: Uuid) -> Result<(), Fault> {
        stored_rules::remove(&self.store, id).await
    }
}
