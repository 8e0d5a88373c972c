//! Who may be given a task, asked of those who know it first.
//!
//! backlog has a copy of who is in the team, and a copy is late: somebody who left a moment ago is still in it. The team is here, so whoever
//! is not in it is refused here. Whoever joined a moment ago backlog waits for.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{HistoryLine, Login, NewRule, Page, PageQuery, Rule, Task, TaskQuery};
use step_02_contracts::{
    Backlog, Ctx, Fault, IdempotencyKey, Maintainers, Once, Team,
    backlog::{Update, Workload, not_a_member},
};
use uuid::Uuid;

/// Any backlog, for assignees who are in the team.
pub(crate) struct Members {
    pub(crate) team: Arc<dyn Team>,
    pub(crate) backlog: Arc<dyn Backlog>,
}

impl Members {
    async fn has(&self, ctx: &Ctx, login: &Login) -> Result<bool, Fault> {
        Ok(Maintainers::active(&*self.team, ctx).await?.iter().any(|member| member.login == *login))
    }
}

#[async_trait]
impl Backlog for Members {
    async fn change(&self, ctx: &Ctx, update: Update) -> Result<Task, Fault> {
        let Some(Some(login)) = &update.change.assignee else {
            return self.backlog.change(ctx, update).await;
        };
        if self.has(ctx, login).await? {
            return self.backlog.change(ctx, update).await;
        }
        // What else is wrong is said first, as backlog would.
        update.change.validate().map_err(Fault::Invalid)?;
        let current = self.backlog.task(ctx, update.id).await?.version;
        match update.expected {
            Some(versions) if !versions.contains(&current) => Err(Fault::VersionMismatch { current }),
            _ => Err(not_a_member()),
        }
    }

    async fn tasks(&self, ctx: &Ctx, query: TaskQuery) -> Result<Page<Task>, Fault> {
        self.backlog.tasks(ctx, query).await
    }

    async fn task(&self, ctx: &Ctx, id: Uuid) -> Result<Task, Fault> {
        self.backlog.task(ctx, id).await
    }

    async fn history(&self, ctx: &Ctx, id: Uuid, limit: i64) -> Result<Vec<HistoryLine>, Fault> {
        self.backlog.history(ctx, id, limit).await
    }

    async fn workload(&self, ctx: &Ctx, logins: &[Login], limit: u32) -> Result<Vec<Workload>, Fault> {
        self.backlog.workload(ctx, logins, limit).await
    }

    async fn rules(&self, ctx: &Ctx, query: PageQuery) -> Result<Page<Rule>, Fault> {
        self.backlog.rules(ctx, query).await
    }

    async fn add_rule(
        &self,
        ctx: &Ctx,
        key: Option<IdempotencyKey>,
        new: NewRule,
    ) -> Result<Once<Rule>, Fault> {
        self.backlog.add_rule(ctx, key, new).await
    }

    async fn remove_rule(&self, ctx: &Ctx, id: Uuid) -> Result<(), Fault> {
        self.backlog.remove_rule(ctx, id).await
    }
}
