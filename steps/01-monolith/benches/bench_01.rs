//! What a request to the monolith costs, on SQLite and on PostgreSQL, beside the same answer from memory.
//!
//! Run with `cargo bench --workspace --bench bench_01`; `-- --seconds 10 --connections 32` measures longer and harder,
//! `-- --quick` shows in a few seconds that it works. Nothing passes or fails by a time.

use std::process::ExitCode;

use acceptance::{
    App, Database, Databases, Engine, Step,
    anyhow::{Context, Result, bail, ensure},
    tempfile, tokio,
};
use bench::{Comparison, Options, Visit};

/// How many repositories of the catalogue are tracked once more under another name: the built-in 24 have some 700 open
/// tasks, and ten full pages want a thousand.
const REPOSITORIES_MORE: usize = 12;

const PAGES: usize = 10;
const PAGE: usize = 100;

/// CPU of the Flask monolith of 2018, in milliseconds: its list of 1,000 items, and one item. On PostgreSQL.
const ORIGINAL: [f64; 2] = [21.0, 0.90];

fn main() -> ExitCode {
    bench::main(|options| {
        let databases = Databases::default();
        for engine in Engine::ALL {
            match databases.fresh(*engine) {
                Ok(database) => measure(options, database)?,
                Err(missing) if missing.required => bail!(missing.reason),
                Err(missing) => println!("\n{engine}: not measured, because {}", missing.reason),
            }
        }
        databases.stop();
        Ok(())
    })
}

fn measure(options: &Options, database: Database) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let engine = database.engine();
    let folder = tempfile::tempdir()?;
    let catalogue = folder.path().join("catalogue.toml");
    std::fs::write(&catalogue, bench::catalogue::enlarged(REPOSITORIES_MORE))?;
    let step =
        Step { number: "01", binary: env!("CARGO_BIN_EXE_system-01"), folder: env!("CARGO_MANIFEST_DIR") };
    let app =
        App::start(&step, database, |options| options.value("catalogue", catalogue.display().to_string()))?;

    runtime.block_on(app.import());
    app.database().analyze()?;
    let tasks = runtime.block_on(app.all(&format!("/api/tasks?limit={PAGE}")));
    ensure!(tasks.len() >= PAGES * PAGE, "only {} tasks are open", tasks.len());
    let connections = options.connections();
    println!("\n{engine}: {} open tasks, {connections} connections", tasks.len());

    let each = tasks.iter().map(|task| Some(format!("/api/tasks/{}", task["id"].as_str()?)));
    let visits = [
        (
            format!("{PAGES} pages of {PAGE} tasks, one after the other"),
            Visit::Pages { first: format!("/api/tasks?limit={PAGE}"), pages: PAGES },
        ),
        ("one task".to_owned(), Visit::OneOf(each.collect::<Option<_>>().context("a task has no id")?)),
    ];
    for ((what, visit), original) in visits.into_iter().zip(ORIGINAL) {
        let comparison = Comparison::of(&runtime, options, &app, "monolith", &what, visit)?;
        print!("\n{comparison}");
        if let Some(cpu) = comparison.real.milliseconds_each(comparison.real.cpu) {
            let times = bench::number(Some(cpu / original));
            println!(
                "  the original of 2018, on PostgreSQL, on such a machine on another day: {original} ms CPU; ours is {times} times that"
            );
        }
    }
    Ok(())
}
