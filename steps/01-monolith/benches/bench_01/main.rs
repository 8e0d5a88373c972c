//! What a request to the monolith costs, on SQLite and on PostgreSQL, beside the same answer from memory; and one task on PostgreSQL
//! beside `pgbench`, where there is one, which reads the same row by its key.
//!
//! Run with `cargo bench --workspace --bench bench_01`; `-- --seconds 10 --connections 32` measures longer and harder,
//! `-- --quick` shows in a few seconds that it works, `-- --scale` what each costs with ten and a hundred times as many tasks.
//! Nothing passes or fails by a time.

mod pgbench;
mod scale;

use std::process::ExitCode;

use acceptance::{Database, Engine, Step, anyhow::Result, tokio::runtime::Runtime};
use bench::{
    Comparison, Options, Visit,
    backlog::{self, PAGE, TASKS},
};

fn main() -> ExitCode {
    bench::main(|options| backlog::on_each_database(|database| measure(options, database)))
}

fn measure(options: &Options, database: Database) -> Result<()> {
    let runtime = Runtime::new()?;
    let engine = database.engine();
    let step =
        Step { number: "01", binary: env!("CARGO_BIN_EXE_system-01"), folder: env!("CARGO_MANIFEST_DIR") };
    let (app, tasks) = backlog::imported(&runtime, &step, database)?;
    if options.scale() {
        return scale::measure(&runtime, &app, tasks.len());
    }
    println!("\n{engine}: {} open tasks, {} connections", tasks.len(), options.connections());

    let pages = TASKS / PAGE;
    let visits = [
        (
            format!("{pages} pages of {PAGE} tasks, one after the other"),
            Visit::Pages { first: format!("/api/tasks?limit={PAGE}"), pages },
        ),
        ("one task".to_owned(), Visit::OneOf(tasks.iter().map(|id| format!("/api/tasks/{id}")).collect())),
    ];
    for (what, visit) in visits {
        print!("\n{}", Comparison::of(&runtime, options, &app, "monolith", &what, visit)?);
    }
    match tasks.first() {
        Some(task) if engine == Engine::Postgres => pgbench::measure(&runtime, options, &app, task),
        _ => Ok(()),
    }
}
