//! What a move costs the people who work meanwhile: how many rows a second the backfill copies, for how long nobody could write at the
//! cut-over, and how long their writes took before, while rows moved, and on the new side.
//!
//! Run with `cargo bench --workspace --bench bench_06`; `-- --seconds 20` measures longer, `-- --quick` moves few rows and shows that it
//! works. Nothing passes or fails by a time.

#![expect(clippy::unwrap_used, reason = "a bench on real processes: what does not start is not measured")]

#[expect(dead_code, reason = "shared with tests, which use the rest")]
#[path = "../tests/support/moving.rs"]
mod moving;

use std::{process::ExitCode, time::Duration};

use acceptance::{
    App, Database, Databases, Engine,
    anyhow::Result,
    tokio::{runtime::Builder, time::sleep},
};
use bench::Options;
use store::{Query, Store};

use self::moving::{Movers, People, open, shared, sides_are_alike, started};

/// How many messages have been sent already.
const ROWS: usize = 100_000;
const FEW_ROWS: usize = 2_000;
/// How many one statement writes.
const AT_ONCE: usize = 500;

fn main() -> ExitCode {
    bench::main(measure)
}

fn measure(options: &Options) -> Result<()> {
    let databases = Databases::default();
    for engine in Engine::ALL {
        match databases.fresh(*engine) {
            Ok(database) => {
                Builder::new_current_thread().enable_all().build()?.block_on(one(options, &database));
            }
            Err(missing) => println!("\n{engine}: {}", missing.reason),
        }
    }
    databases.stop();
    Ok(())
}

async fn one(options: &Options, database: &Database) {
    let rows = if options.turns() == 1 { FEW_ROWS } else { ROWS };
    shared(database).await;
    add(&open(database.url()).await, rows).await;
    let app = started(database).await;
    let movers = Movers::on(database);
    works(options, &app).await;
    println!("\n{}: {rows} messages and all tasks", database.engine());
    println!("{:<28}{:>8}{:>10}{:>10}{:>10}", "", "writes", "p50 ms", "p99 ms", "longest");
    line("before", &works(options, &app).await);
    let people = People::of(&app);
    people
        .work(async {
            let mut mover = movers.start(&[], None);
            movers.are("ready", &mut mover).await;
            movers.run(&["approve"]).await;
            movers.are("moved", &mut mover).await;
            mover.kill();
        })
        .await;
    line("while rows move", &people);
    line("on the new side", &works(options, &app).await);
    for module in movers.status().await {
        let (copied, took) = (module["copied"].as_f64().unwrap(), module["copying_ms"].as_f64().unwrap());
        println!(
            "{}: {copied} rows copied, {:.0} a second; nobody could write for {} ms",
            module["module"].as_str().unwrap(),
            copied / (took / 1_000.0).max(0.001),
            module["pause_ms"],
        );
    }
    let mut mover = movers.start(&[], None);
    movers.are("moved", &mut mover).await;
    sides_are_alike(database, &movers).await;
}

/// People work for as long as the command line says.
async fn works<'a>(options: &Options, app: &'a App) -> People<'a> {
    let people = People::of(app);
    people.work(sleep(options.turn() * options.turns())).await;
    people
}

fn line(what: &str, people: &People<'_>) {
    let mut took = people.took.borrow().clone();
    took.sort_unstable();
    let at = |part: usize| milliseconds(took[(took.len() - 1) * part / 100]);
    println!("{what:<28}{:>8}{:>10.1}{:>10.1}{:>10.1}", took.len(), at(50), at(99), at(100));
    let failed = *people.failed.borrow();
    if failed > 0 {
        println!("{failed} requests failed");
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Adds messages that were sent long ago.
async fn add(store: &Store, rows: usize) {
    for begin in (0..rows).step_by(AT_ONCE) {
        let values: Vec<_> = (begin..rows.min(begin + AT_ONCE))
            .map(|number| {
                format!(
                    "('0190{number:08x}-0000-7000-8000-000000000000', 'old-{number}', 'email', 'm{number}@example.com', \
                     'Hello', 'Somebody waits', 'sent', 1, 2, 1700000000000, 1700000000000)"
                )
            })
            .collect();
        let sql = format!(
            "INSERT INTO messages (id, message_key, channel, recipient, subject, body, status, attempts, version, created_at, \
                                   updated_at) VALUES {}",
            values.join(", ")
        );
        Query::assembled(sql).execute(store).await.unwrap();
    }
}
