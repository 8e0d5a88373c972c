//! Where the pages get what they show.

use async_trait::async_trait;
use chassis::{Ctx, Fault};
use domain::{
    HistoryLine, Leaderboard, Measures, MeasuresQuery, Member, MemberChange, NewMember, Page, PageQuery,
    Task, TaskChange, TaskQuery,
};
use jiff::{Timestamp, tz::TimeZone};
use store::query;
use uuid::Uuid;

use crate::{
    Error, api,
    app::State,
    history::{self, Who},
    tasks,
};

/// What pages read and write. A page knows its template and its form; whether a task comes out of a table, or over a wire
/// from another process, is not its business. That is why the pages of this step serve every later one.
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

#[async_trait]
impl Source for State {
    async fn tasks(&self, _: &Ctx, query: TaskQuery) -> Result<Page<Task>, Fault> {
        Ok(api::tasks::page(self, &query).await?)
    }

    async fn task(&self, _: &Ctx, id: Uuid) -> Result<Task, Fault> {
        Ok(api::tasks::find(&self.store, id).await?)
    }

    async fn change_task(&self, _: &Ctx, id: Uuid, change: TaskChange, version: i64) -> Result<(), Fault> {
        let expected =
            |current| if current == version { Ok(()) } else { Err(Fault::VersionMismatch { current }) };
        let mut tx = self.store.begin_write().await?;
        tasks::change(&self.store, &mut tx, id, &change, expected, Who::Page).await?;
        tx.commit().await?;
        self.ruler.wake();
        Ok(())
    }

    async fn history(&self, _: &Ctx, id: Uuid, limit: i64) -> Result<Vec<HistoryLine>, Fault> {
        history::of_task(&self.store, history::TABLE, id, limit).await.map_err(Fault::from)
    }

    async fn active_members(&self, _: &Ctx) -> Result<Vec<Member>, Fault> {
        Ok(api::team::active(&self.store).await?)
    }

    async fn members(&self, _: &Ctx, query: PageQuery) -> Result<Page<Member>, Fault> {
        Ok(api::team::page(&self.store, &query).await?)
    }

    async fn add_member(&self, _: &Ctx, new: NewMember) -> Result<(), Fault> {
        Ok(api::team::add(self, new).await?)
    }

    async fn change_member(&self, _: &Ctx, login: &str, change: MemberChange) -> Result<(), Fault> {
        Ok(api::team::replace(self, login, change).await.map(drop)?)
    }

    async fn measures(&self, _: &Ctx, query: MeasuresQuery) -> Result<Measures, Fault> {
        Ok(api::measures::measure(self, &query).await?)
    }

    async fn leaderboard(&self, _: &Ctx, year: i16) -> Result<Leaderboard, Fault> {
        Ok(api::measures::leaders(self, year).await?)
    }

    async fn latest_year(&self, _: &Ctx) -> Result<i16, Fault> {
        let (latest,): (Option<i64>,) =
            query("SELECT max(closed_at) FROM items WHERE state = 'merged'").fetch_one(&self.store).await?;
        Ok(year(latest.map_or_else(Timestamp::now, api::time)))
    }

    async fn languages(&self, _: &Ctx) -> Result<Vec<String>, Fault> {
        Ok(self.catalogue.languages())
    }
}

/// The year of a moment, UTC.
#[must_use]
pub fn year(moment: Timestamp) -> i16 {
    moment.to_zoned(TimeZone::UTC).year()
}

impl From<Error> for Fault {
    /// Below HTTP there are no problems: nothing that a page asks for makes one.
    fn from(error: Error) -> Self {
        match error {
            Error::Fault(fault) => fault,
            Error::Problem(problem) => problem.into(),
        }
    }
}
