//! Second stop: messages, the team and the measures are modules; items, tasks and rules are still the monolith.
//!
//! Here the monolith tells for the first time what happens ([`Telling`]), because the measures live on it; and it hears for the
//! first time what happens elsewhere ([`Speakers`]), because what the community waits for depends on the team. One thing is not
//! clean yet: the monolith's joins still read `members`, a table that is the team's. They go with the monolith's tasks.

use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;
use automator_github::{repositories::TrackedRepository, told::Told, waiting, write::ItemWriter};
use automator_pages::{self as pages, Source};
use axum::Router;
use chassis::{
    background::Background,
    process::{Command, Lack, Service},
    serve::Stop,
};
use domain::{
    HistoryLine, Leaderboard, Measures, MeasuresQuery, Member, MemberChange, NewMember, Occurrence, Origin,
    Page, PageQuery, Task, TaskChange, TaskQuery,
};
use step_01_monolith::{
    state::State,
    sync::{self, MEMBERS},
};
use step_02_bus::Bus;
use step_02_composition::take_over;
use step_02_contracts::{Ctx, Fault, Handler, Insights, Maintainers, Notify, Recorded, Team, TeamEvent};
use step_02_github as github;
use step_02_insights as insights;
use step_02_notify as notify;
use step_02_team as team;
use store::{Store, Tx};
use uuid::Uuid;

use super::{monolith::Monolith, notify_out};
use crate::config::Config;

/// The process of this stop.
#[derive(Debug, clap::Parser)]
#[command(name = "monolith-02-team-out", version)]
pub struct TeamOut {
    #[command(flatten)]
    config: Config,
}

impl Service for TeamOut {
    fn command(&self) -> Option<Command> {
        self.config.command
    }

    fn address(&self) -> (IpAddr, u16) {
        self.config.modules.server.address()
    }

    async fn lacks(&self) -> anyhow::Result<Option<Lack>> {
        let url = &self.config.modules.databases.database_url;
        match notify_out::lacks(url).await? {
            None => {
                let own = [("team", team::migrations()), ("insights", insights::migrations())];
                Ok(store::lacks(url, &own).await?)
            }
            lack => Ok(lack),
        }
    }

    /// As the stop before; then the team takes `members` over, and the measures are made of what is there.
    async fn migrate(&self) -> anyhow::Result<()> {
        let url = &self.config.modules.databases.database_url;
        notify_out::migrate(url).await?;
        let store = Store::connect(url).await?;
        store.migrate("team", team::migrations()).await?;
        store.migrate("insights", insights::migrations()).await?;
        let mut tx = store.begin_write().await?;
        take_over::keys(&mut tx, "team_keys").await?;
        take_over::insights(&mut tx).await?;
        tx.commit().await?;
        store.close().await;
        Ok(())
    }

    async fn serve(&self, stop: Stop) -> anyhow::Result<()> {
        let config = super::told(&self.config);
        config.server.check()?;
        let bus = Arc::new(Bus::default());
        let store = Store::connect(&config.database.database_url).await?.recording(bus.clone());
        let notify = notify::Module::new(store.clone(), config.providers.providers()?).await?;
        let team = Arc::new(team::Module::new(store.clone()).await?);
        let insights = insights::Module::new(store.clone(), Arc::new(config.catalogue.catalogue()?)).await?;
        bus.listen(vec![Arc::new(insights.clone()), Arc::new(Speakers(store.clone()))]);
        insights.catch_up(&*team).await?;

        let port: Arc<dyn Notify> = Arc::new(notify.clone());
        let insights: Arc<dyn Insights> = Arc::new(insights);
        let mut background = Background::new("monolith", env!("CARGO_PKG_VERSION"), stop)?;
        let writer = Arc::new(Telling(store.clone()));
        let monolith = Monolith::open(&config, &store, writer, port.clone()).await?;

        let state = monolith.state.clone();
        let modules = notify::router(port.clone())
            .merge(notify_out::digests(state.clone(), port))
            .merge(team::router(team.clone()))
            .merge(insights::router(insights.clone()));
        let source = Arc::new(Mixed { monolith: state.clone(), team, insights });
        let routes = monolith.routes(Router::new(), modules, source);
        monolith.work(&mut background)?;
        notify.work(&mut background)?;
        let health = store.health(background.stop.clone());
        let router = pages::framed(routes, config.server.names(), health, &background.metrics);
        let last = async {
            bus.settled().await;
            store.close().await;
        };
        let served = background.serve(config.server.address(), router, last).await;
        bus.give_up();
        served
    }
}

/// Writes items as the monolith does, together with their tasks, and tells what has become of them.
#[derive(Debug)]
struct Telling(Store);

#[async_trait]
impl ItemWriter for Telling {
    async fn write(
        &self,
        tx: &mut Tx,
        repository: &TrackedRepository,
        items: &[Told],
        origin: Origin,
        occurrence: Option<Occurrence>,
    ) -> Result<(), Fault> {
        let written = sync::apply(&self.0, tx, repository, items, origin, occurrence.as_ref()).await?;
        github::tell(tx, items, &written, origin, occurrence).await
    }
}

/// Finds out what the community waits for, when somebody joins the team or leaves it.
struct Speakers(Store);

#[async_trait]
impl Handler for Speakers {
    fn name(&self) -> &'static str {
        "monolith"
    }

    async fn handle(&self, _: &Ctx, events: &[Recorded]) -> Result<(), Fault> {
        for event in events.iter().filter(|event| event.is_of("team")) {
            let event: TeamEvent = event.read()?;
            let mut tx = self.0.begin_write().await?;
            // Not while somebody writes down what people said, and derives the same from it.
            self.0.lock_exclusive(&mut tx, MEMBERS).await?;
            let login = event.member().0.as_str();
            let touched = waiting::refresh_speaker(&mut tx, MEMBERS, login).await?;
            github::tell_waits(&mut tx, touched).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

/// What the pages show: tasks of the monolith, members and measures of the modules.
struct Mixed {
    monolith: State,
    team: Arc<team::Module>,
    insights: Arc<dyn Insights>,
}

#[async_trait]
impl Source for Mixed {
    async fn tasks(&self, ctx: &Ctx, query: TaskQuery) -> Result<Page<Task>, Fault> {
        Source::tasks(&self.monolith, ctx, query).await
    }

    async fn task(&self, ctx: &Ctx, id: Uuid) -> Result<Task, Fault> {
        Source::task(&self.monolith, ctx, id).await
    }

    async fn change_task(&self, ctx: &Ctx, id: Uuid, change: TaskChange, version: i64) -> Result<(), Fault> {
        Source::change_task(&self.monolith, ctx, id, change, version).await
    }

    async fn history(&self, ctx: &Ctx, id: Uuid, limit: i64) -> Result<Vec<HistoryLine>, Fault> {
        Source::history(&self.monolith, ctx, id, limit).await
    }

    async fn active_members(&self, ctx: &Ctx) -> Result<Vec<Member>, Fault> {
        self.team.active(ctx).await
    }

    async fn members(&self, ctx: &Ctx, query: PageQuery) -> Result<Page<Member>, Fault> {
        self.team.page(ctx, query).await
    }

    async fn add_member(&self, ctx: &Ctx, new: NewMember) -> Result<(), Fault> {
        self.team.join(ctx, None, new).await.map(drop)
    }

    async fn change_member(&self, ctx: &Ctx, login: &str, change: MemberChange) -> Result<(), Fault> {
        self.team.change(ctx, login, change).await.map(drop)
    }

    async fn measures(&self, ctx: &Ctx, query: MeasuresQuery) -> Result<Measures, Fault> {
        self.insights.measures(ctx, query).await
    }

    async fn leaderboard(&self, ctx: &Ctx, year: i16) -> Result<Leaderboard, Fault> {
        self.insights.leaderboard(ctx, year).await
    }

    async fn latest_year(&self, ctx: &Ctx) -> Result<i16, Fault> {
        self.insights.latest_year(ctx).await
    }

    async fn languages(&self, ctx: &Ctx) -> Result<Vec<String>, Fault> {
        Source::languages(&self.monolith, ctx).await
    }
}
