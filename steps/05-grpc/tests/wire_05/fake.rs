//! A backlog that answers as it is told, and remembers what it was asked.

use std::{
    fmt::Debug,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use acceptance::tokio::time::sleep;
use domain::{HistoryLine, Login, NewRule, Page, PageQuery, Rule, Task, TaskQuery};
use step_02_contracts::{
    Backlog, Ctx, Fault, Handler, IdempotencyKey, Once, Recorded,
    backlog::{Update, Workload},
};
use step_05_api::{Uuid, tonic::async_trait};

use crate::sample;

/// What it does with a call.
#[derive(Debug, Clone, Default)]
pub(crate) enum Does {
    /// Answers the sample.
    #[default]
    Answer,
    /// Refuses.
    Refuse(Fault),
    /// Answers after so long.
    Stall(Duration),
    /// Panics.
    Panic,
}

/// What became of the calls.
#[derive(Debug, Default)]
pub(crate) struct Fake {
    does: Mutex<Does>,
    asked: Mutex<Vec<(String, Ctx)>>,
    begun: AtomicUsize,
    ended: AtomicUsize,
}

/// Counts the end of a call, also when it is dropped on its way.
struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Fake {
    pub(crate) fn does(does: Does) -> Arc<Self> {
        Arc::new(Self { does: Mutex::new(does), ..Self::default() })
    }

    /// What it does with the calls that come from now on.
    pub(crate) fn now_does(&self, does: Does) {
        *self.does.lock().expect("nobody panics") = does;
    }

    /// What it was asked, with all arguments.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panics").iter().map(|(asked, _)| asked.clone()).collect()
    }

    /// The context of the last call.
    pub(crate) fn ctx(&self) -> Ctx {
        self.asked.lock().expect("nobody panics").last().expect("it was asked").1.clone()
    }

    /// How many calls have begun, and how many are under way.
    pub(crate) fn calls(&self) -> (usize, usize) {
        let (begun, ended) = (self.begun.load(Ordering::SeqCst), self.ended.load(Ordering::SeqCst));
        (begun, begun - ended)
    }

    async fn call(&self, ctx: &Ctx, asked: impl Debug) -> Result<(), Fault> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let _under_way = UnderWay(&self.ended);
        self.asked.lock().expect("nobody panics").push((format!("{asked:?}"), ctx.clone()));
        let does = self.does.lock().expect("nobody panics").clone();
        match does {
            Does::Answer => Ok(()),
            Does::Refuse(fault) => Err(fault),
            Does::Stall(time) => {
                sleep(time).await;
                Ok(())
            }
            Does::Panic => panic!("at the disco"),
        }
    }
}

#[async_trait]
impl Backlog for Fake {
    async fn tasks(&self, ctx: &Ctx, query: TaskQuery) -> Result<Page<Task>, Fault> {
        self.call(ctx, query).await?;
        Ok(sample::tasks())
    }

    async fn task(&self, ctx: &Ctx, id: Uuid) -> Result<Task, Fault> {
        self.call(ctx, id).await?;
        Ok(sample::task())
    }

    async fn change(&self, ctx: &Ctx, update: Update) -> Result<Task, Fault> {
        self.call(ctx, update).await?;
        Ok(sample::bare_task())
    }

    async fn history(&self, ctx: &Ctx, id: Uuid, limit: i64) -> Result<Vec<HistoryLine>, Fault> {
        self.call(ctx, (id, limit)).await?;
        Ok(sample::history())
    }

    async fn workload(&self, ctx: &Ctx, logins: &[Login], limit: u32) -> Result<Vec<Workload>, Fault> {
        self.call(ctx, (logins, limit)).await?;
        Ok(sample::workload())
    }

    async fn rules(&self, ctx: &Ctx, query: PageQuery) -> Result<Page<Rule>, Fault> {
        self.call(ctx, query).await?;
        Ok(Page { items: vec![sample::rule()], next_cursor: None })
    }

    async fn add_rule(
        &self,
        ctx: &Ctx,
        key: Option<IdempotencyKey>,
        new: NewRule,
    ) -> Result<Once<Rule>, Fault> {
        let replayed = key.is_some();
        self.call(ctx, (key, new)).await?;
        Ok(Once { value: sample::rule(), replayed })
    }

    async fn remove_rule(&self, ctx: &Ctx, id: Uuid) -> Result<(), Fault> {
        self.call(ctx, id).await
    }
}

#[async_trait]
impl Handler for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    async fn handle(&self, ctx: &Ctx, events: &[Recorded]) -> Result<(), Fault> {
        self.call(ctx, events).await
    }
}
