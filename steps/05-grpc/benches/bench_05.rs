//! The price of the hop: the same read in the process, over HTTP and over gRPC, one at a time and sixteen at once.
//!
//! Behind each stands the same backlog, which has its answers in memory: what is measured is the way there and back. The caller is one
//! process and the service another, as in life: the bench starts itself again to be the service.
//!
//! Run with `cargo bench --workspace --bench bench_05`; `-- --seconds 20` measures longer, `-- --quick` shows in a few seconds
//! that it works. Nothing passes or fails by a time.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    process::{Child, Command, ExitCode, Stdio},
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

/// Set for the process that is the service.
const SERVICE: &str = "BENCH_05_SERVICE";

fn main() -> ExitCode {
    if env::var_os(SERVICE).is_some() {
        return chassis::process::run(serve_both());
    }
    bench::main(measure)
}

fn measure(options: &Options) -> Result<()> {
    let runtime = Runtime::new()?;
    let service = Service::start()?;
    let here: Arc<dyn Backlog> = Arc::new(Reads::here()?);
    let http = Reads::There(client::client(WAITS)?, service.http.parse()?);
    let token = token()?;
    let grpc = runtime.block_on(async { GrpcBacklog::new(&[&service.grpc], &token) })?;
    let ways: [(&str, Arc<dyn Backlog>); 3] =
        [("in the process", here), ("over HTTP", Arc::new(http)), ("over gRPC", Arc::new(grpc))];
    for (what, read) in [("one task", Read::Task), ("a page of 50 tasks", Read::Page)] {
        for at_once in [1, 16] {
            let seen = runtime.block_on(take_turns(options, &ways, read, at_once, service.child.id()))?;
            println!("\n{what}, {at_once} at once; each figure is one call's");
            let rows = ways.iter().zip(&seen).map(|((name, _), measured)| (*name, measured));
            print!("{}", bench::together(&rows.collect::<Vec<_>>()));
        }
    }
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
    service: u32,
) -> Result<Vec<Measured>> {
    for (_, way) in ways {
        load(&**way, read, at_once, options.warm_up()).await?;
    }
    let mut seen: Vec<Measured> = ways.iter().map(|_| Measured::default()).collect();
    let spent = || Some((bench::cpu_time(std::process::id())?, bench::cpu_time(service)?));
    for _ in 0..options.turns() {
        for ((_, way), seen) in ways.iter().zip(&mut seen) {
            let (before, start) = (spent(), Instant::now());
            seen.latencies.extend(load(&**way, read, at_once, options.turn()).await?);
            seen.elapsed += start.elapsed();
            if let Some((before, after)) = before.zip(spent()) {
                seen.cpu = Some(seen.cpu.unwrap_or_default() + (after.0 - before.0));
                seen.behind = Some(seen.behind.unwrap_or_default() + (after.1 - before.1));
            }
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

/// The service in a process of its own, which ends with this value.
struct Service {
    child: Child,
    http: String,
    grpc: String,
}

impl Service {
    fn start() -> Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .env(SERVICE, "1")
            .env("RUST_LOG", "warn")
            .env("STOP_WITH_STDIN", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let mut line = || lines.next().context("the service ended at once")?.context("its output");
        let (http, grpc) = (line()?, line()?);
        Ok(Self { child, http, grpc })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It holds nothing that is worth an orderly end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn token() -> Result<Secret> {
    "bench".parse().ok().context("a token")
}

/// Serves the same backlog over HTTP and over gRPC until stopped; says on stdout where.
async fn serve_both() -> Result<()> {
    let backlog: Arc<dyn Backlog> = Arc::new(Reads::here()?);
    let stop = Stop::from_environment()?;
    let (over_http, over_grpc) =
        (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
    println!("http://{}\nhttp://{}", over_http.local_addr()?, over_grpc.local_addr()?);
    std::io::stdout().flush()?;
    let service = server::service(backlog.clone(), Arc::new(Deaf), token()?);
    let (router, health) = server::router(service, chassis::health::Health::new(stop.clone()), stop.clone())?;
    acceptance::tokio::spawn(health);
    acceptance::tokio::spawn(serve::run(over_grpc, router, stop.clone()));
    serve::run(over_http, http::frame(step_02_backlog::router(backlog)), stop).await?;
    Ok(())
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
