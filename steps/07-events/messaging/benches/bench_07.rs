//! The price of not losing a message: from a commit to the effect elsewhere, by a direct call, over outbox, relay, `feed` and inbox, and
//! the same over NATS JetStream where there is a server (`WORKSHOP_NATS_SERVER`, or `nats-server` on the path).
//!
//! Sender, feed and receiver are in this one process and talk over loopback, each with a SQLite file of its own; NATS is a process.
//!
//! Run with `cargo bench --workspace --bench bench_07`; `-- --seconds 20` measures longer, `-- --quick` shows in a few seconds that it
//! works. Nothing passes or fails by a time.

#![expect(dead_code, reason = "the world of the tests has more than is needed here")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot be set up has nothing to tell")]

#[path = "../tests/nats_07/server.rs"]
mod server;
#[path = "../tests/messaging_07/world.rs"]
mod world;

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use acceptance::{
    Database,
    anyhow::Result,
    futures::future::join_all,
    tokio::{self, net::TcpListener, runtime::Runtime, sync::watch},
};
use async_trait::async_trait;
use axum::{Router, extract::State, routing::post};
use bench::{Measured, Options};
use chassis::{Fault, event::Recorded, serve::Stop};
use step_07_messaging::{Consumer, Feed, Subscription, feed::nats::Nats};
use store::{Store, Tx, query};

use self::{server::Server, world::World};

/// Writers at once, when as much is sent as goes.
const WRITERS: usize = 16;

fn main() -> ExitCode {
    bench::main(|options| Runtime::new()?.block_on(measure(options)))
}

/// One way from a commit here to an effect there.
struct Way {
    name: &'static str,
    world: Arc<World>,
    /// Where a direct call goes.
    call: Option<(reqwest::Client, String)>,
    effects: watch::Receiver<usize>,
    /// What the way needs, as long as it lives.
    _keeps: (Vec<Database>, Option<Server>),
}

async fn measure(options: &Options) -> Result<()> {
    let stop = Stop::manual();
    let mut ways = vec![direct().await?, over("outbox, feed, inbox", None, &stop).await?];
    if server::missing().is_none() {
        ways.push(over("outbox, NATS, inbox", Some(Server::start().await), &stop).await?);
    }
    let mut seen: Vec<Measured> = ways.iter().map(|_| Measured::default()).collect();
    for way in &ways {
        one_by_one(way, options.warm_up()).await?;
    }
    for _ in 0..options.turns() {
        for (way, seen) in ways.iter().zip(&mut seen) {
            let start = Instant::now();
            seen.latencies.extend(one_by_one(way, options.turn()).await?);
            seen.elapsed += start.elapsed();
        }
    }
    println!("\nfrom the commit to the effect, one message at a time");
    let rows: Vec<_> = ways
        .iter()
        .map(|way| way.name)
        .zip(seen.iter_mut().map(|seen| {
            seen.latencies.sort_unstable();
            &*seen
        }))
        .collect();
    print!("{}", bench::together(&rows));
    println!("\nas many as go, {WRITERS} writers at once");
    let count = usize::try_from(options.turn().as_millis())?.clamp(200, 5_000);
    for way in &ways {
        let elapsed = burst(way, count).await?;
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let rate = count as f64 / elapsed.as_secs_f64();
        println!("{:<22} {:>8} messages a second", way.name, bench::number(Some(rate)));
    }
    stop.stop();
    Ok(())
}

/// Sends a message and waits for its effect, again and again; the time from the commit to the effect of each.
async fn one_by_one(way: &Way, time: Duration) -> Result<Vec<Duration>> {
    let until = Instant::now() + time;
    let mut effects = way.effects.clone();
    let mut latencies = Vec::new();
    while Instant::now() < until {
        let before = *effects.borrow_and_update();
        way.world.say(&format!("task {}", latencies.len() % 50), "x").await;
        let committed = Instant::now();
        way.call().await?;
        effects.wait_for(|count| *count > before).await?;
        latencies.push(committed.elapsed());
    }
    Ok(latencies)
}

/// How long `count` messages take, from the first commit to the last effect.
async fn burst(way: &Way, count: usize) -> Result<Duration> {
    let mut effects = way.effects.clone();
    let before = *effects.borrow_and_update();
    let start = Instant::now();
    let each = count / WRITERS;
    let writers = (0..WRITERS).map(async |writer| {
        for number in 0..each {
            way.world.say(&format!("task {writer} {}", number % 5), "x").await;
            way.call().await?;
        }
        Ok::<_, reqwest::Error>(())
    });
    join_all(writers).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    effects.wait_for(|now| *now >= before + each * WRITERS).await?;
    Ok(start.elapsed())
}

impl Way {
    async fn call(&self) -> Result<(), reqwest::Error> {
        if let Some((client, url)) = &self.call {
            client.post(url).send().await?.error_for_status()?;
        }
        Ok(())
    }
}

/// What the receiver does.
struct Effect(Store, watch::Sender<usize>);

impl Effect {
    async fn write(tx: &mut Tx) -> Result<(), Fault> {
        query("INSERT INTO effects (consumer, subject, text, n) VALUES ('bench', 'x', 'x', 0)")
            .execute(tx)
            .await?;
        Ok(())
    }
}

#[async_trait]
impl Consumer for Effect {
    fn name(&self) -> &'static str {
        "bench"
    }

    fn wants(&self) -> &'static [&'static str] {
        &["test"]
    }

    async fn apply(&self, tx: &mut Tx, _: &Recorded) -> Result<(), Fault> {
        Self::write(tx).await
    }

    fn applied(&self) {
        self.1.send_modify(|count| *count += 1);
    }
}

/// The receiver's database, and its effect.
async fn receiver() -> Result<(Database, Arc<Effect>, watch::Receiver<usize>)> {
    let database = Database::sqlite()?;
    // Only its tables: nothing is sent from here.
    let world = World::over(&database, Arc::new(nobody())).await;
    let (sender, effects) = watch::channel(0);
    Ok((database, Arc::new(Effect(world.store, sender)), effects))
}

async fn direct() -> Result<Way> {
    let database = Database::sqlite()?;
    let mut world = World::over(&database, Arc::new(nobody())).await;
    // Nothing is written into an outbox.
    world.store = Store::connect(&database.url().parse().unwrap()).await?;
    let (receivers, effect, effects) = receiver().await?;
    let take = async |State(effect): State<Arc<Effect>>| {
        let mut tx = effect.0.begin_write().await?;
        Effect::write(&mut tx).await?;
        tx.commit().await?;
        effect.applied();
        Ok::<_, Fault>(())
    };
    let router = chassis::http::frame(Router::new().route("/", post(take)).with_state(effect));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    tokio::spawn(chassis::serve::run(listener, router, Stop::manual()));
    let call = Some((chassis::client::client(Duration::from_secs(5))?, url));
    let _keeps = (vec![database, receivers], None);
    Ok(Way { name: "a direct call", world: Arc::new(world), call, effects, _keeps })
}

/// A feed that is never asked.
fn nobody() -> Nats {
    Nats::new("nats://127.0.0.1:1".parse().unwrap())
}

async fn over(name: &'static str, server: Option<Server>, stop: &Stop) -> Result<Way> {
    let database = Database::sqlite()?;
    let world = match &server {
        Some(server) => World::over(&database, Arc::new(Nats::new(server.url()))).await,
        None => World::new(&database).await,
    };
    let (receivers, effect, effects) = receiver().await?;
    let feed: Arc<dyn Feed> = match &server {
        Some(server) => Arc::new(Nats::new(server.url())),
        None => Arc::new(world::embedded(&world.url)),
    };
    tokio::spawn(world.relay(world.feed.clone()).run(stop.clone()));
    tokio::spawn(Subscription::new(effect.0.clone(), feed, effect).run(stop.clone()));
    Ok(Way { name, world: Arc::new(world), call: None, effects, _keeps: (vec![database, receivers], server) })
}
