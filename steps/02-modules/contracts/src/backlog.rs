//! What the team has to do.

use async_trait::async_trait;
use chassis::{
    Ctx, Fault,
    idempotency::{IdempotencyKey, Once},
};
use domain::{HistoryLine, Login, NewRule, Page, PageQuery, Rule, Task, TaskChange, TaskQuery};
use uuid::Uuid;

/// Who changes a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A person or program over the API.
    Api,
    /// A person on a page.
    Page,
}

/// Which change of which task, by whom.
#[derive(Debug, Clone)]
pub struct Update {
    /// The task.
    pub id: Uuid,
    /// What becomes of it.
    pub change: TaskChange,
    /// The versions that it may have; `None` for any.
    pub expected: Option<Vec<i64>>,
    /// Who changes it.
    pub by: By,
}

/// Why nobody but a member is given a task.
#[must_use]
pub fn not_a_member() -> Fault {
    Fault::invalid("assignee", "must be an active member of the team")
}

/// What a member has to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// The member.
    pub login: Login,
    /// The first of their open tasks by rank.
    pub first: Vec<Task>,
    /// How many open tasks they have.
    pub all: i64,
}

/// Tasks and rules.
#[async_trait]
pub trait Backlog: Send + Sync {
    /// A page of tasks. [`Fault::Invalid`] for a cursor of another list.
    async fn tasks(&self, ctx: &Ctx, query: TaskQuery) -> Result<Page<Task>, Fault>;

    /// One task. [`Fault::NotFound`].
    async fn task(&self, ctx: &Ctx, id: Uuid) -> Result<Task, Fault>;

    /// Changes a task that has one of the expected versions. [`Fault::NotFound`], [`Fault::VersionMismatch`], [`Fault::Invalid`]
    /// naming the field; a change that was stored is answered with the task.
    async fn change(&self, ctx: &Ctx, update: Update) -> Result<Task, Fault>;

    /// The latest lines of a task's history, newest first, at most `limit`.
    async fn history(&self, ctx: &Ctx, id: Uuid, limit: i64) -> Result<Vec<HistoryLine>, Fault>;

    /// What these members have to do, in their order, with at most `limit` tasks of each.
    async fn workload(&self, ctx: &Ctx, logins: &[Login], limit: u32) -> Result<Vec<Workload>, Fault>;

    /// The rules, oldest first. [`Fault::Invalid`] for a cursor of another list.
    async fn rules(&self, ctx: &Ctx, query: PageQuery) -> Result<Page<Rule>, Fault>;

    /// Adds a rule. [`Fault::Taken`] for a name that is known, [`Fault::Invalid`] naming the fields.
    async fn add_rule(
        &self,
        ctx: &Ctx,
        key: Option<IdempotencyKey>,
        new: NewRule,
    ) -> Result<Once<Rule>, Fault>;

    /// Takes a rule away. [`Fault::NotFound`].
    async fn remove_rule(&self, ctx: &Ctx, id: Uuid) -> Result<(), Fault>;
}
