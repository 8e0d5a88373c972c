//! What the team has to do: tasks in the order of their rank, and the rules that move them.
//!
//! Owns tasks, their history and the rules. A task follows its item by github's events ([`follow`]); a rule's decisions are
//! rows, done by workers ([`actions`]). For what a task shows of its item backlog asks github once a page, for who may
//! have a task it asks the team.

pub mod actions;
mod assigned;
mod follow;
mod page;
pub mod pieces;
mod routes;
mod rules;
mod task;

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use chassis::serve::Stop;
use domain::{Catalogue, HistoryLine, Login, NewRule, Page, PageQuery, Rule, Task, TaskChange, TaskQuery};
use sqlx::migrate::Migrator;
use step_01_monolith::{
    api::rules as stored_rules,
    history::{self, Who},
    rules as decisions,
};
use step_02_contracts::{
    Backlog, Commentable, Ctx, Fault, Handler, IdempotencyKey, Maintainers, Notify, Once,
    backlog::{By, Workload},
};
use store::{Query, Store, idempotency};
use uuid::Uuid;

use self::{actions::Ruler, assigned::Assignments};
pub use routes::router;

/// The tables that nobody else reads or writes.
pub const TABLES: [&str; 6] =
    ["backlog_tasks", "backlog_changes", "rules", "backlog_runs", "backlog_actions", "backlog_keys"];

const KEYS: &str = "backlog_keys";
const CHANGES: &str = "backlog_changes";

/// The migrations of this module.
#[must_use]
pub fn migrations() -> Migrator {
    sqlx::migrate!()
}

/// Adds the rules that Automator ships with: for a database that never had any.
///
/// # Errors
/// The database's.
pub async fn ship_rules(store: &Store) -> Result<(), store::Error> {
    let sql = format!("{} ON CONFLICT DO NOTHING", decisions::shipped());
    Query::assembled(sql).execute(store).await.map(drop)
}

/// Whom backlog asks.
#[derive(Clone)]
pub struct Ports {
    /// For items, and to comment.
    pub github: Arc<dyn Commentable>,
    /// For who is in it, and how to reach them.
    pub team: Arc<dyn Maintainers>,
    /// For messages.
    pub notify: Arc<dyn Notify>,
}

/// The module behind its port.
#[derive(Clone)]
pub struct Module {
    store: Store,
    catalogue: Arc<Catalogue>,
    ports: Ports,
    assignments: Assignments,
    ruler: Ruler,
}

impl Module {
    /// The module over its tables, ranking what `catalogue` tracks from now on. Whoever is given a task gets a mail where
    /// `assignees_are_told`; the composition then has [`Module::mails`] listen.
    ///
    /// # Errors
    /// The database's.
    pub async fn new(
        store: Store,
        catalogue: Arc<Catalogue>,
        ports: Ports,
        assignees_are_told: bool,
    ) -> Result<Self, Fault> {
        idempotency::forget_old(&store, KEYS).await?;
        follow::track(&store, &catalogue).await?;
        let assignments = Assignments::new(ports.clone(), assignees_are_told);
        let ruler = Ruler::new(store.clone(), ports.clone(), assignments.clone());
        Ok(Self { store, catalogue, ports, assignments, ruler })
    }

    /// Sends the mails to those who were given a task.
    #[must_use]
    pub fn mails(&self) -> Arc<dyn Handler> {
        Arc::new(self.assignments.clone())
    }

    /// Does what rules decided until `stop`.
    pub async fn run(self, stop: Stop) {
        self.ruler.run(stop).await;
    }

    /// How many actions of rules are to be done; `None` when the database does not say.
    pub async fn pending(&self) -> Option<i64> {
        self.store.count("SELECT count(*) FROM backlog_actions WHERE status = 'pending'").await.ok()
    }

    /// The logins of who is in the team now.
    async fn maintainers(&self, ctx: &Ctx) -> Result<HashSet<Login>, Fault> {
        Ok(self.ports.team.active(ctx).await?.into_iter().map(|member| member.login).collect())
    }
}

#[async_trait]
impl Backlog for Module {
    async fn tasks(&self, ctx: &Ctx, query: TaskQuery) -> Result<Page<Task>, Fault> {
        page::read(&self.store, ctx, &query, &*self.ports.github).await
    }

    async fn task(&self, ctx: &Ctx, id: Uuid) -> Result<Task, Fault> {
        let row = page::row(&self.store, id).await?;
        page::one(ctx, row, &*self.ports.github).await
    }

    async fn change(
        &self,
        ctx: &Ctx,
        id: Uuid,
        change: TaskChange,
        expected: Option<Vec<i64>>,
        by: By,
    ) -> Result<Task, Fault> {
        let who = match by {
            By::Api => Who::Api,
            By::Page => Who::Page,
        };
        // Asked before the transaction begins, and only where the answer decides something.
        let is_asked = change.status.is_some() || change.assignee.is_some();
        let maintainers = if is_asked { self.maintainers(ctx).await? } else { HashSet::new() };
        let mut tx = self.store.begin_write().await?;
        let assigned = task::change(&self.store, &mut tx, id, &change, expected, who, &maintainers).await?;
        if let Some(assigned) = assigned {
            self.assignments.tell(ctx, &mut tx, &assigned).await?;
        }
        // Read before anybody else writes: what a rule makes of it is not this caller's change.
        let row = page::row(&mut tx, id).await?;
        tx.commit().await?;
        self.ruler.wake();
        page::one(ctx, row, &*self.ports.github).await
    }

    async fn history(&self, _: &Ctx, id: Uuid, limit: i64) -> Result<Vec<HistoryLine>, Fault> {
        history::of_task(&self.store, CHANGES, id, limit).await.map_err(Fault::from)
    }

    async fn workload(&self, ctx: &Ctx, logins: &[Login], limit: u32) -> Result<Vec<Workload>, Fault> {
        page::workload(&self.store, ctx, logins, limit, &*self.ports.github).await
    }

    async fn rules(&self, _: &Ctx, query: PageQuery) -> Result<Page<Rule>, Fault> {
        Ok(stored_rules::page(&self.store, &query).await?)
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
        Ok(stored_rules::remove(&self.store, id).await?)
    }
}
