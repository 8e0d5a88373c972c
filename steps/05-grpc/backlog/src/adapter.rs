//! The port, call by call.

use std::sync::Arc;

use chassis::http::chain;
use domain::{Login, TaskQuery};
use step_02_contracts::{Backlog, Ctx, Fault, Handler, Recorded};
use step_05_api::{
    context, id,
    pieces::{deadline::within, status::status},
    text,
    v1::{self, backlog_server},
};
use tonic::{Request, Response, Status};
use tracing::Instrument;

/// How many lines of a history may be asked for.
const MOST_LINES: i64 = 1_000;

/// What a call is answered with.
type Answered<A> = Result<Response<A>, Status>;

/// Any backlog, as the service that the proto file describes.
#[derive(Clone)]
pub struct Adapter {
    pub(crate) backlog: Arc<dyn Backlog>,
    pub(crate) handler: Arc<dyn Handler>,
}

impl Adapter {
    /// Has `work` done for as long as the caller waits. When the connection or the call is gone, this is dropped, and the work
    /// with it.
    async fn answer<Q, A, W>(&self, request: Request<Q>, work: impl FnOnce(Self, Ctx, Q) -> W) -> Answered<A>
    where
        A: Send + 'static,
        W: Future<Output = Result<A, Fault>> + Send + 'static,
    {
        let ctx = context::received(request.metadata()).map_err(|fault| status(&fault))?;
        let span = tracing::info_span!("call", id = %ctx.request_id, trace = %ctx.trace.trace());
        let work = work(self.clone(), ctx.clone(), request.into_inner());
        let done = within(&ctx, work).instrument(span.clone()).await;
        let _in_call = span.enter();
        tracing::debug!(ok = done.is_ok(), "call answered");
        done.map(Response::new).map_err(|fault| {
            if let Fault::Internal(source) = &fault {
                tracing::error!(cause = chain(source.as_ref()), "answered with an internal error");
            }
            status(&fault)
        })
    }
}

#[tonic::async_trait]
impl backlog_server::Backlog for Adapter {
    async fn list_tasks(&self, request: Request<v1::ListTasksRequest>) -> Answered<v1::ListTasksResponse> {
        self.answer(request, |this, ctx, request| async move {
            Ok(this.backlog.tasks(&ctx, TaskQuery::try_from(request)?).await?.into())
        })
        .await
    }

    async fn get_task(&self, request: Request<v1::GetTaskRequest>) -> Answered<v1::Task> {
        self.answer(request, |this, ctx, request| async move {
            Ok(this.backlog.task(&ctx, id("id", &request.id)?).await?.into())
        })
        .await
    }

    async fn update_task(&self, request: Request<v1::UpdateTaskRequest>) -> Answered<v1::Task> {
        self.answer(request, |this, ctx, request| async move {
            Ok(this.backlog.change(&ctx, request.try_into()?).await?.into())
        })
        .await
    }

    async fn list_history(
        &self,
        request: Request<v1::ListHistoryRequest>,
    ) -> Answered<v1::ListHistoryResponse> {
        self.answer(request, |this, ctx, request| async move {
            if !(1..=MOST_LINES).contains(&request.limit) {
                return Err(Fault::invalid("limit", format!("must be between 1 and {MOST_LINES}")));
            }
            let id = id("task_id", &request.task_id)?;
            let lines = this.backlog.history(&ctx, id, request.limit).await?;
            Ok(v1::ListHistoryResponse { lines: lines.into_iter().map(Into::into).collect() })
        })
        .await
    }

    async fn list_workload(
        &self,
        request: Request<v1::ListWorkloadRequest>,
    ) -> Answered<v1::ListWorkloadResponse> {
        self.answer(request, |this, ctx, request| async move {
            let logins = request.logins.iter().map(|login| text("logins", login));
            let logins = logins.collect::<Result<Vec<Login>, _>>()?;
            let found = this.backlog.workload(&ctx, &logins, request.limit).await?;
            Ok(v1::ListWorkloadResponse { workloads: found.into_iter().map(Into::into).collect() })
        })
        .await
    }

    async fn list_rules(&self, request: Request<v1::ListRulesRequest>) -> Answered<v1::ListRulesResponse> {
        self.answer(request, |this, ctx, request| async move {
            Ok(this.backlog.rules(&ctx, request.try_into()?).await?.into())
        })
        .await
    }

    async fn create_rule(&self, request: Request<v1::CreateRuleRequest>) -> Answered<v1::CreateRuleResponse> {
        self.answer(request, |this, ctx, request| async move {
            let rule = request.rule.unwrap_or_default().try_into()?;
            Ok(this.backlog.add_rule(&ctx, request.request_key.map(Into::into), rule).await?.into())
        })
        .await
    }

    async fn delete_rule(&self, request: Request<v1::DeleteRuleRequest>) -> Answered<()> {
        self.answer(request, |this, ctx, request| async move {
            this.backlog.remove_rule(&ctx, id("id", &request.id)?).await
        })
        .await
    }

    async fn handle_events(&self, request: Request<v1::HandleEventsRequest>) -> Answered<()> {
        self.answer(request, |this, ctx, request| async move {
            let events = request.events.into_iter().map(Recorded::try_from);
            this.handler.handle(&ctx, &events.collect::<Result<Vec<_>, _>>()?).await
        })
        .await
    }
}
