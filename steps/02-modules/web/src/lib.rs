//! What people see: the pages, and the digests. Owns no table and knows no module, only ports.

mod digests;

use std::sync::Arc;

use async_trait::async_trait;
use automator_pages::{Pages, Source};
use axum::Router;
use chassis::session::Sessions;
use domain::{
    Catalogue, HistoryLine, Leaderboard, Measures, MeasuresQuery, Member, MemberChange, NewMember, Page,
    PageQuery, Task, TaskChange, TaskQuery,
};
use step_02_contracts::{
    Backlog, Ctx, Fault, Insights, Notify, Team, WaitingList,
    backlog::{By, Update},
};
use uuid::Uuid;

pub use digests::router;

/// Whom the pages ask.
#[derive(Clone)]
pub struct Ports {
    /// For the waiting list.
    pub github: Arc<dyn WaitingList>,
    /// For tasks.
    pub backlog: Arc<dyn Backlog>,
    /// For members.
    pub team: Arc<dyn Team>,
    /// For the mails of a digest.
    pub notify: Arc<dyn Notify>,
    /// For measures.
    pub insights: Arc<dyn Insights>,
}

/// The pages of what `catalogue` tracks, over any ports.
pub fn pages(ports: Ports, catalogue: Catalogue, sessions: Sessions) -> Router {
    automator_pages::router(Pages { source: Arc::new(PortSource { ports, catalogue }), sessions })
}

/// What the pages show, asked of the ports.
struct PortSource {
    ports: Ports,
    catalogue: Catalogue,
}

#[async_trait]
impl Source for PortSource {
    async fn tasks(&self, ctx: &Ctx, query: TaskQuery) -> Result<Page<Task>, Fault> {
        self.ports.backlog.tasks(ctx, query).await
    }

    async fn task(&self, ctx: &Ctx, id: Uuid) -> Result<Task, Fault> {
        self.ports.backlog.task(ctx, id).await
    }

    async fn change_task(&self, ctx: &Ctx, id: Uuid, change: TaskChange, version: i64) -> Result<(), Fault> {
        let expected = Some(vec![version]);
        self.ports.backlog.change(ctx, Update { id, change, expected, by: By::Page }).await.map(drop)
    }

    async fn history(&self, ctx: &Ctx, id: Uuid, limit: i64) -> Result<Vec<HistoryLine>, Fault> {
        self.ports.backlog.history(ctx, id, limit).await
    }

    async fn active_members(&self, ctx: &Ctx) -> Result<Vec<Member>, Fault> {
        self.ports.team.active(ctx).await
    }

    async fn members(&self, ctx: &Ctx, query: PageQuery) -> Result<Page<Member>, Fault> {
        self.ports.team.page(ctx, query).await
    }

    async fn add_member(&self, ctx: &Ctx, new: NewMember) -> Result<(), Fault> {
        self.ports.team.join(ctx, None, new).await.map(drop)
    }

    async fn change_member(&self, ctx: &Ctx, login: &str, change: MemberChange) -> Result<(), Fault> {
        self.ports.team.change(ctx, login, change).await.map(drop)
    }

    async fn measures(&self, ctx: &Ctx, query: MeasuresQuery) -> Result<Measures, Fault> {
        self.ports.insights.measures(ctx, query).await
    }

    async fn leaderboard(&self, ctx: &Ctx, year: i16) -> Result<Leaderboard, Fault> {
        self.ports.insights.leaderboard(ctx, year).await
    }

    async fn latest_year(&self, ctx: &Ctx) -> Result<i16, Fault> {
        self.ports.insights.latest_year(ctx).await
    }

    async fn languages(&self, _: &Ctx) -> Result<Vec<String>, Fault> {
        Ok(self.catalogue.languages())
    }
}
