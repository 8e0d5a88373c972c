//! What a request to the monolith costs, on SQLite and on PostgreSQL, beside the same answer from memory.
//!
//! Run with `cargo bench --workspace --bench bench_01`; `-- --seconds 10 --connections 32` measures longer and harder,
//! `-- --quick` shows in a few seconds that it works. Nothing passes or fails by a time.

use std::process::ExitCode;

use acceptance::{Database, Step, anyhow::Result, tokio::runtime::Runtime};
use bench::{
    Comparison, Options, Visit,
    backlog::{self, PAGE, TASKS},
};

/// CPU of the Flask monolith of 2018, in milliseconds: its list of 1,000 items, and one item. On PostgreSQL.
const ORIGINAL: [f64; 2] = [21.0, 0.90];

fn main() -> ExitCode {
    bench::main(|options| backlog::on_each_database(|database| measure(options, database)))
}

fn measure(options: &Options, database: Database) -> Result<()> {
    let runtime = Runtime::new()?;
    let engine = database.engine();
    let step =
        Step { number: "01", binary: env!("CARGO_BIN_EXE_system-01"), folder: env!("CARGO_MANIFEST_DIR") };
    let (app, tasks) = backlog::imported(&runtime, &step, database)?;
    println!("\n{engine}: {} open tasks, {} connections", tasks.len(), options.connections());

    let pages = TASKS / PAGE;
    let visits = [
        (
            format!("{pages} pages of {PAGE} tasks, one after the other"),
            Visit::Pages { first: format!("/api/tasks?limit={PAGE}"), pages },
        ),
        ("one task".to_owned(), Visit::OneOf(tasks.iter().map(|id| format!("/api/tasks/{id}")).collect())),
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
