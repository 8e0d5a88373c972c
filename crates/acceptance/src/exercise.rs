//! The real Automator for the tests of an exercise, with an import in it.

use std::panic::{self, AssertUnwindSafe};

use anyhow::Result;
use harness::Options;
use tokio::runtime;

use crate::{App, Database, Step};

/// Runs `test` on a system of its own, over SQLite; `adjust` may change how it is started. When the test fails and the front
/// process has panicked, says where.
///
/// # Panics
/// The test does, or the system does not start.
pub fn with_system(step: &Step, adjust: impl FnOnce(Options) -> Options, test: impl AsyncFnOnce(&App)) {
    let start = |database| App::start(step, database, adjust);
    let app = Database::sqlite().and_then(start).expect("the system starts");
    let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let ended = panic::catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            let _ = app.import().await;
            test(&app).await;
        });
    }));
    if let Err(panic) = ended {
        println!("{}", panics(&app).unwrap_or_default());
        panic::resume_unwind(panic);
    }
}

/// What the process says of its own panics: each is a line with the place, then one with the message.
fn panics(app: &App) -> Result<String> {
    let log = app.system().log(&app.system().definition().front)?;
    let lines: Vec<_> = log.lines().collect();
    let panics =
        lines.windows(2).filter(|pair| pair[0].contains(" panicked at ")).map(|pair| pair.join("\n"));
    Ok(panics.take(1).collect())
}
