//! The price of the hop: the same read in the process, over HTTP and over gRPC, one at a time and sixteen at once.
//!
//! Behind each stands the same backlog, which has its answers in memory: what is measured is the way there and back. Client and
//! server share one process, so the CPU time of a call is that of both.
//!
//! Run with `cargo bench --workspace --bench bench_05`; `-- --seconds 20` measures longer, `-- --quick` shows in a few seconds
//! that it works. Nothing passes or fails by a time.

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use acceptance::{
    anyhow::{Context, Result},
    futures::future::try_join_all,
    tokio::{net::TcpListener, runtime::Runtime},
};
use bench::{Measured, Options};
use chassis::{Ctx, auth::Secret, client, http, serve, serve::Stop};
use domain::{HistoryLine, Login, NewRule, Page, PageQuery, Rule, Task, TaskQuery};
use step_02_contracts::{
    Backlog, Fault, Handler, IdempotencyKey, Once, Recorded,
    backlog::{Update, Workload},
};
use step_05_api::{Uuid, tonic::async_trait};
use step_05_backlog::server;
use step_05_client::GrpcBacklog;

/// How many tasks the page has.
const PAGE: usize = 50;
/// How long a caller waits.
const WAITS: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    bench::main(measure)
}

fn measure(options: &Options) -> Result<()> {
    let runtime = Runtime::new()?;
    let stop = Stop::manual();
    let here: Arc<dyn Backlog> = Arc::new(Reads::here()?);
    let http = runtime.block_on(over_http(here.clone(), stop.clone()))?;
    let grpc = runtime.block_on(over_grpc(here.clone(), stop.clone()))?;
    let ways: [(&str, Arc<dyn Backlog>); 3] =
        [("in the process", here), ("over HTTP", Arc::new(http)), ("over gRPC", Arc::new(grpc))];
    for (what, read) in [("one task", Read::Task), ("a page of 50 tasks", Read::Page)] {
        for at_once in [1, 16] {
            let seen = runtime.block_on(take_turns(options, &ways, read, at_once))?;
            println!("\n{what}, {at_once} at once; each figure is one call's");
            let rows = ways.iter().zip(&seen).map(|((name, _), measured)| (*name, measured));
            print!("{}", bench::together(&rows.collect::<Vec<_>>()));
        }
    }
    stop.stop();
    Ok(())
}

/// What is read.
#[derive(Clone, Copy)]
enum Read {
    Task,
    Page,
}

impl Read {
    async fn of(self, backlog: &dyn Backlog) -> Result<(), Fault> {
        let ctx = Ctx::background(WAITS);
        match self {
            Self::Task => backlog.task(&ctx, Uuid::nil()).await.map(drop),
            Self::Page => backlog.tasks(&ctx, TaskQuery::default()).await.map(drop),
        }
    }
}

/// Warms each way up, then lets them take turns; what was seen of each, in their order.
async fn take_turns(
    options: &Options,
    ways: &[(&str, Arc<dyn Backlog>)],
    read: Read,
    at_once: usize,
) -> Result<Vec<Measured>> {
    for (_, way) in ways {
        load(&**way, read, at_once, options.warm_up()).await?;
    }
    let mut seen: Vec<Measured> = ways.iter().map(|_| Measured::default()).collect();
    let cpu = || bench::cpu_time(std::process::id());
    for _ in 0..options.turns() {
        for ((_, way), seen) in ways.iter().zip(&mut seen) {
            let (before, start) = (cpu(), Instant::now());
            seen.latencies.extend(load(&**way, read, at_once, options.turn()).await?);
            seen.elapsed += start.elapsed();
            let spent = cpu().zip(before).map(|(after, before)| after.saturating_sub(before));
            seen.cpu = spent.map(|spent| seen.cpu.unwrap_or_default() + spent);
        }
    }
    for seen in &mut seen {
        seen.latencies.sort_unstable();
    }
    Ok(seen)
}

/// Reads again and again, so many at once; none is begun after `time`. The latency of each.
async fn load(backlog: &dyn Backlog, read: Read, at_once: usize, time: Duration) -> Result<Vec<Duration>> {
    let until = Instant::now() + time;
    let callers = (0..at_once).map(async |_| {
        let mut latencies = Vec::new();
        while Instant::now() < until {
            let start = Instant::now();
            read.of(backlog).await?;
            latencies.push(start.elapsed());
            // In the process nothing else would give the others a turn.
            acceptance::tokio::task::yield_now().await;
        }
        Ok::<_, Fault>(latencies)
    });
    Ok(try_join_all(callers).await?.into_iter().flatten().collect())
}

async fn over_http(backlog: Arc<dyn Backlog>, stop: Stop) -> Result<Reads> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?).parse()?;
    acceptance::tokio::spawn(serve::run(listener, http::frame(step_02_backlog::router(backlog)), stop));
    Ok(Reads::There(client::client(WAITS)?, base))
}

async fn over_grpc(backlog: Arc<dyn Backlog>, stop: Stop) -> Result<GrpcBacklog> {
    let token: Secret = "bench".parse().ok().context("a token")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let service = server::service(backlog, Arc::new(Deaf), token.clone());
    let (router, health) = server::router(service, chassis::health::Health::new(stop.clone()), stop.clone())?;
    acceptance::tokio::spawn(health);
    acceptance::tokio::spawn(serve::run(listener, router, stop));
    Ok(GrpcBacklog::new(&[url], &token)?)
}

/// A backlog that can be read; nothing else is asked of it.
enum Reads {
    /// Has its answers.
    Here(Page<Task>),
    /// Asks the routes of step 02.
    There(reqwest::Client, reqwest::Url),
}

impl Reads {
    fn here() -> Result<Self> {
        let task: Task = serde_json::from_str(include_str!("task.json"))?;
        Ok(Self::Here(Page { items: vec![task; PAGE], next_cursor: None }))
    }

    async fn get<T: serde::de::DeserializeOwned>(
        client: &reqwest::Client,
        base: &reqwest::Url,
        ctx: &Ctx,
        path: &[&str],
    ) -> Result<T, Fault> {
        let url = client::under(base, path).ok_or_else(unasked)?;
        let answer = client.get(url).headers(ctx.headers()).send().await.map_err(Fault::internal)?;
        let answer = answer.error_for_status().map_err(Fault::internal)?;
        serde_json::from_slice(&answer.bytes().await.map_err(Fault::internal)?).map_err(Fault::internal)
    }
}

#[async_trait]
impl Backlog for Reads {
    async fn tasks(&self, ctx: &Ctx, _: TaskQuery) -> Result<Page<Task>, Fault> {
        match self {
            Self::Here(page) => Ok(page.clone()),
            Self::There(client, base) => Self::get(client, base, ctx, &["api", "tasks"]).await,
        }
    }

    async fn task(&self, ctx: &Ctx, id: Uuid) -> Result<Task, Fault> {
        match self {
            Self::Here(page) => page.items.first().cloned().ok_or_else(unasked),
            Self::There(client, base) => {
                Self::get(client, base, ctx, &["api", "tasks", &id.to_string()]).await
            }
        }
    }

    async fn change(&self, _: &Ctx, _: Update) -> Result<Task, Fault> {
        Err(unasked())
    }

    async fn history(&self, _: &Ctx, _: Uuid, _: i64) -> Result<Vec<HistoryLine>, Fault> {
        Err(unasked())
    }

    async fn workload(&self, _: &Ctx, _: &[Login], _: u32) -> Result<Vec<Workload>, Fault> {
        Err(unasked())
    }

    async fn rules(&self, _: &Ctx, _: PageQuery) -> Result<Page<Rule>, Fault> {
        Err(unasked())
    }

    async fn add_rule(&self, _: &Ctx, _: Option<IdempotencyKey>, _: NewRule) -> Result<Once<Rule>, Fault> {
        Err(unasked())
    }

    async fn remove_rule(&self, _: &Ctx, _: Uuid) -> Result<(), Fault> {
        Err(unasked())
    }
}

/// Nobody tells anything here.
struct Deaf;

#[async_trait]
impl Handler for Deaf {
    fn name(&self) -> &'static str {
        "nobody"
    }

    async fn handle(&self, _: &Ctx, _: &[Recorded]) -> Result<(), Fault> {
        Ok(())
    }
}

fn unasked() -> Fault {
    Fault::internal("not measured here")
}
