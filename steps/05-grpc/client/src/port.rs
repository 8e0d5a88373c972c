//! The ports, call by call.

use async_trait::async_trait;
use domain::{HistoryLine, Login, NewRule, Page, PageQuery, Rule, Task, TaskQuery};
use step_02_contracts::{
    Backlog, Ctx, Fault, Handler, IdempotencyKey, Once, Recorded,
    backlog::{Update, Workload},
};
use step_05_api::{answer, batches, v1};
use uuid::Uuid;

use crate::{GrpcBacklog, NAME};

#[async_trait]
impl Backlog for GrpcBacklog {
    async fn tasks(&self, ctx: &Ctx, query: TaskQuery) -> Result<Page<Task>, Fault> {
        let request = v1::ListTasksRequest::from(query);
        answer(
            self.call(ctx, request, |mut client, request| async move { client.list_tasks(request).await })
                .await?,
        )
    }

    async fn task(&self, ctx: &Ctx, id: Uuid) -> Result<Task, Fault> {
        let request = v1::GetTaskRequest { id: id.to_string() };
        answer(
            self.call(ctx, request, |mut client, request| async move { client.get_task(request).await })
                .await?,
        )
    }

    async fn change(&self, ctx: &Ctx, update: Update) -> Result<Task, Fault> {
        let request = v1::UpdateTaskRequest::from(update);
        answer(
            self.call(ctx, request, |mut client, request| async move { client.update_task(request).await })
                .await?,
        )
    }

    async fn history(&self, ctx: &Ctx, id: Uuid, limit: i64) -> Result<Vec<HistoryLine>, Fault> {
        let request = v1::ListHistoryRequest { task_id: id.to_string(), limit };
        let history = self
            .call(ctx, request, |mut client, request| async move { client.list_history(request).await })
            .await?;
        history.lines.into_iter().map(answer).collect()
    }

    async fn workload(&self, ctx: &Ctx, logins: &[Login], limit: u32) -> Result<Vec<Workload>, Fault> {
        let logins = logins.iter().map(Login::to_string).collect();
        let request = v1::ListWorkloadRequest { logins, limit };
        let found = self
            .call(ctx, request, |mut client, request| async move { client.list_workload(request).await })
            .await?;
        found.workloads.into_iter().map(answer).collect()
    }

    async fn rules(&self, ctx: &Ctx, query: PageQuery) -> Result<Page<Rule>, Fault> {
        let request = v1::ListRulesRequest::from(query);
        answer(
            self.call(ctx, request, |mut client, request| async move { client.list_rules(request).await })
                .await?,
        )
    }

    async fn add_rule(
        &self,
        ctx: &Ctx,
        key: Option<IdempotencyKey>,
        new: NewRule,
    ) -> Result<Once<Rule>, Fault> {
        let request = v1::CreateRuleRequest { rule: Some(new.into()), request_key: key.map(Into::into) };
        answer(
            self.call(ctx, request, |mut client, request| async move { client.create_rule(request).await })
                .await?,
        )
    }

    async fn remove_rule(&self, ctx: &Ctx, id: Uuid) -> Result<(), Fault> {
        let request = v1::DeleteRuleRequest { id: id.to_string() };
        self.call(ctx, request, |mut client, request| async move { client.delete_rule(request).await }).await
    }
}

#[async_trait]
impl Handler for GrpcBacklog {
    fn name(&self) -> &'static str {
        NAME
    }

    /// In several calls where they are many: told twice they take effect once, so what failed half-way can be told again.
    async fn handle(&self, ctx: &Ctx, events: &[Recorded]) -> Result<(), Fault> {
        for batch in batches(events)? {
            self.call(ctx, batch, |mut client, request| async move { client.handle_events(request).await })
                .await?;
        }
        Ok(())
    }
}
