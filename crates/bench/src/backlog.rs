//! A backlog that is as long as a bench needs it.

use std::io::Write;

use acceptance::{App, Database, Databases, Engine, Step};
use anyhow::{Context, Result, bail, ensure};
use tempfile::NamedTempFile;
use tokio::runtime::Runtime;

use crate::catalogue::enlarged;

/// How many repositories of the catalogue are tracked once more under another name: the built-in 24 have some 700 open
/// tasks, and [`TASKS`] are wanted.
const REPOSITORIES_MORE: usize = 12;
/// How many tasks are open at least.
pub const TASKS: usize = 1_000;
/// How many of them a full page has.
pub const PAGE: usize = 100;

/// Runs `measure` on a fresh database of each kind; says which kind is not there.
///
/// # Errors
/// Those of `measure`; a database that `WORKSHOP_REQUIRE` wants is not there.
pub fn on_each_database(measure: impl Fn(Database) -> Result<()>) -> Result<()> {
    let databases = Databases::default();
    for engine in Engine::ALL {
        match databases.fresh(*engine) {
            Ok(database) => measure(database)?,
            Err(missing) if missing.required => bail!(missing.reason),
            Err(missing) => println!("\n{engine}: not measured, because {}", missing.reason),
        }
    }
    databases.stop();
    Ok(())
}

/// Starts `step` on a fresh `database` and has it import [`TASKS`] and more. Blocks; it, and the ids of its open tasks in the
/// order of their rank.
///
/// # Errors
/// It does not start, or has fewer tasks.
pub fn imported(runtime: &Runtime, step: &Step, database: Database) -> Result<(App, Vec<String>)> {
    // Read at the start, and not again.
    let mut catalogue = NamedTempFile::with_prefix("catalogue-")?;
    catalogue.write_all(enlarged(REPOSITORIES_MORE).as_bytes())?;
    let path = catalogue.path().display().to_string();
    let app = App::start(step, database, |options| options.value("catalogue", path))?;
    runtime.block_on(app.import());
    app.database().analyze()?;
    let tasks = runtime.block_on(app.all(&format!("/api/tasks?limit={PAGE}")));
    ensure!(tasks.len() >= TASKS, "only {} tasks are open", tasks.len());
    let ids = tasks.iter().map(|task| Some(task["id"].as_str()?.to_owned()));
    Ok((app, ids.collect::<Option<_>>().context("a task has no id")?))
}
