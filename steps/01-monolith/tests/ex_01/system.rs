//! The real Automator, with an import in it.

use std::panic::{self, AssertUnwindSafe};

use acceptance::{App, Database, Step, anyhow::Result, tokio::runtime};

/// Runs `test` on a system of its own, whose simulated GitHub has the data of `seed`. When the test fails and a process
/// has panicked, says where.
pub(crate) fn with_system(seed: u64, test: impl AsyncFnOnce(&App)) {
    let step =
        Step { number: "01", binary: env!("CARGO_BIN_EXE_system-01"), folder: env!("CARGO_MANIFEST_DIR") };
    let seed = seed.to_string();
    let start =
        |database| App::start(&step, database, |options| options.env("simulators", "SIMULATORS_SEED", seed));
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
