//! Where the pages get what they show.

use async_trait::async_trait;
use chassis::{Ctx, Fault};
use domain::{
    HistoryLine, Leaderboard, Measures, MeasuresQuery, Member, MemberChange, NewMember, Page, PageQuery,
    Task, TaskChange, TaskQuery,
};
use uuid::Uuid;

/// What pages read and write. A page knows its template and its form; whether a task comes out of a table, or over a wire
/// from another process, is not its business. That is why the same pages serve every step.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// A page of tasks. 422 for a cursor of another list.
    async fn tasks(&self, ctx: &Ctx, query: TaskQuery) -> Result<Page<Task>, Fault>;
    /// One task. 404 for an unknown one.
    async fn task(&self, ctx: &Ctx, id: Uuid) -> Result<Task, Fault>;
    /// Changes a task that has still that `version`. 404, 412, 422 naming the field.
    async fn change_task(&self, ctx: &Ctx, id: Uuid, change: TaskChange, version: i64) -> Result<(), Fault>;
    /// The latest lines of a task's history, newest first, at most `limit`.
    async fn history(&self, ctx: &Ctx, id: Uuid, limit: i64) -> Result<Vec<HistoryLine>, Fault>;
    /// Everybody who is in the team now, by login.
    async fn active_members(&self, ctx: &Ctx) -> Result<Vec<Member>, Fault>;
    /// A page of the team. 422 for a cursor of another list.
    async fn members(&self, ctx: &Ctx, query: PageQuery) -> Result<Page<Member>, Fault>;
    /// Adds a member. 409 for a login that is taken, 422 naming the fields.
    async fn add_member(&self, ctx: &Ctx, new: NewMember) -> Result<(), Fault>;
    /// Changes a member. 404 for an unknown login.
    async fn change_member(&self, ctx: &Ctx, login: &str, change: MemberChange) -> Result<(), Fault>;
    /// The measures of a period. 422 for one that ends before it begins.
    async fn measures(&self, ctx: &Ctx, query: MeasuresQuery) -> Result<Measures, Fault>;
    /// The leaderboard of a year. 422 for a year that GitHub has not seen.
    async fn leaderboard(&self, ctx: &Ctx, year: i16) -> Result<Leaderboard, Fault>;
    /// The year of the latest merge, UTC; this year where nothing was merged.
    async fn latest_year(&self, ctx: &Ctx) -> Result<i16, Fault>;
    /// The languages of the tracked repositories, each once, sorted.
    async fn languages(&self, ctx: &Ctx) -> Result<Vec<String>, Fault>;
}
