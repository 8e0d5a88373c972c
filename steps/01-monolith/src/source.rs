//! What the pages show comes out of the same functions as what the API answers.

use async_trait::async_trait;
use automator_backlog::history::{self, Who};
use automator_insights::year_of;
use automator_pages::Source;
use chassis::{Ctx, Fault};
use domain::{
    HistoryLine, Leaderboard, Measures, MeasuresQuery, Member, MemberChange, NewMember, Page, PageQuery,
    Task, TaskChange, TaskQuery,
};
use store::query;
use uuid::Uuid;

use crate::{
    Error, api,
    state::State,
    tasks::{self, CHANGES},
};

#[async_trait]
impl Source for State {
    async fn tasks(&self, _: &Ctx, query: TaskQuery) -> Result<Page<Task>, Fault> {
        Ok(api::tasks::page(self, &query).await?)
    }

    async fn task(&self, _: &Ctx, id: Uuid) -> Result<Task, Fault> {
        self.scores.today().await?;
        Ok(api::tasks::find(&self.store, id).await?)
    }

    async fn change_task(&self, _: &Ctx, id: Uuid, change: TaskChange, version: i64) -> Result<(), Fault> {
        let expected =
            |current| if current == version { Ok(()) } else { Err(Fault::VersionMismatch { current }) };
        let mut tx = self.store.begin_write().await?;
        tasks::change(&self.store, &mut tx, id, &change, expected, Who::Page).await?;
        tx.commit().await?;
        self.rules.wake();
        Ok(())
    }

    async fn history(&self, _: &Ctx, id: Uuid, limit: i64) -> Result<Vec<HistoryLine>, Fault> {
        Ok(history::of_task(&self.store, CHANGES, id, limit).await?)
    }

    async fn active_members(&self, _: &Ctx) -> Result<Vec<Member>, Fault> {
        automator_team::active(&self.store).await
    }

    async fn members(&self, _: &Ctx, query: PageQuery) -> Result<Page<Member>, Fault> {
        automator_team::page(&self.store, &query).await
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
        Ok(year_of(latest))
    }

    async fn languages(&self, _: &Ctx) -> Result<Vec<String>, Fault> {
        Ok(self.catalogue.languages())
    }
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
