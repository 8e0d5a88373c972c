//! What a request to the modules costs beside the same request to step 01, on SQLite and on PostgreSQL.
//!
//! Run with `cargo bench --workspace --bench bench_02`; `-- --seconds 20` measures longer, `-- --quick` shows in a few seconds
//! that it works. Nothing passes or fails by a time.

use std::{process::ExitCode, sync::Arc};

use acceptance::{
    App, Database, Step,
    anyhow::{Result, ensure},
    tokio::runtime::Runtime,
};
use bench::{Options, Target, Visit, backlog};

const MODULES: Step =
    Step { number: "02", binary: env!("CARGO_BIN_EXE_system-02"), folder: env!("CARGO_MANIFEST_DIR") };
/// Step 01, as the binary of step 02 has it.
const FIRST: Step = Step {
    number: "01",
    binary: env!("CARGO_BIN_EXE_system-02"),
    folder: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/take_over"),
};

fn main() -> ExitCode {
    bench::main(|options| backlog::on_each_database(|database| measure(options, database)))
}

fn measure(options: &Options, database: Database) -> Result<()> {
    let runtime = Runtime::new()?;
    let engine = database.engine();
    // Of an empty one: another empty one.
    let another = database.copy()?;
    let (modules, tasks) = backlog::imported(&runtime, &MODULES, database)?;
    let (first, tasks_of_first) = backlog::imported(&runtime, &FIRST, another)?;
    ensure!(tasks == tasks_of_first, "the two do not have the same tasks");
    println!("\n{engine}: {} open tasks, {} connections", tasks.len(), options.connections());

    let visits = [
        ("a page of 50 tasks", vec!["/api/tasks?limit=50".to_owned()]),
        ("one task", tasks.iter().map(|id| format!("/api/tasks/{id}")).collect()),
        ("the first page of the website", vec!["/".to_owned()]),
    ];
    for (what, paths) in visits {
        let visit = Arc::new(Visit::OneOf(paths));
        let (of_modules, of_first) = (|| modules.database().cpu_time(), || first.database().cpu_time());
        let targets = [
            Target { base: modules.system().front(), process: id(&modules)?, behind: &of_modules },
            Target { base: first.system().front(), process: id(&first)?, behind: &of_first },
        ];
        let [with_modules, without] = bench::take_turns(&runtime, options, &visit, &targets)?;
        println!("\n{what}; each figure is one request's");
        print!("{}", bench::beside(("step 02", &with_modules), &[("step 01", &without)]));
    }
    Ok(())
}

fn id(app: &App) -> Result<u32> {
    Ok(app.system().id("monolith")?)
}
