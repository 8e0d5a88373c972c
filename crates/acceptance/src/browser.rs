//! The pages in a real browser: headless Chromium, driven over WebDriver (W3C) by Debian's `chromedriver`.
//!
//! A step joins with one line in `tests/browser_NN.rs` (`harness = false`):
//!
//! ```ignore
//! acceptance::browser_main!("01");
//! ```
//!
//! Each scenario has its own system, on SQLite, into which the two repositories were imported, and its own browser with an
//! empty profile. Without Chromium or its driver
//! they are ignored and say so, unless `WORKSHOP_REQUIRE` (a list with commas) has `browser`: then they fail. Pictures of
//! the pages, and of the page on which a scenario failed, lie in `screenshots` under Cargo's target folder.

mod driver;
mod scenarios;
mod window;

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    path::Path,
    process::ExitCode,
    sync::{Arc, OnceLock},
};

use futures::FutureExt;

use crate::{
    App, Step,
    databases::{Engine, Missing},
    panics,
    suite::{self, Prepared},
    trials::{self, Case, Ended},
};

use driver::Driver;
pub use window::Window;

/// The whole of `tests/browser_NN.rs`: runs every browser scenario against the binary `system-NN` of the package.
#[macro_export]
macro_rules! browser_main {
    ($number:literal) => {
        fn main() -> ::std::process::ExitCode {
            let step = $crate::Step {
                number: $number,
                binary: env!(concat!("CARGO_BIN_EXE_system-", $number)),
                folder: env!("CARGO_MANIFEST_DIR"),
            };
            // Cargo gives tests a folder of their own, beside which everybody looks for pictures.
            $crate::browser::run(
                step,
                &::std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screenshots"),
            )
        }
    };
}

/// Runs the scenarios, as the command line of `cargo test` asks; pictures go to `screenshots`.
#[must_use]
pub fn run(step: Step, screenshots: &Path) -> ExitCode {
    let driver: Arc<OnceLock<Result<Driver, Missing>>> = Arc::default();
    let prepared = Arc::new(Prepared::default());
    let folder = screenshots.join(step.number);
    let cases: Vec<_> = scenarios::ALL
        .iter()
        .map(|&(name, scenario)| {
            let (driver, prepared) = (Arc::clone(&driver), Arc::clone(&prepared));
            let folder = folder.clone();
            let run = Arc::new(move |_, fresh: trials::Fresh<'_>| {
                let driver = driver.get_or_init(|| {
                    Driver::start().map_err(|error| Missing::why("browser", "in a browser", &error))
                });
                let driver = driver.as_ref().map_err(Clone::clone)?;
                let app = suite::start(&step, prepared.imported(&step, fresh)?.copy())?;
                panics::catch(in_window(driver, &app, &folder, name, scenario)).map_err(|message| {
                    Ended::Failed(format!("{}: {message}\n{}", name.replace('_', " "), app.report()))
                })
            });
            Case { name: name.to_owned(), run }
        })
        .collect();
    trials::run(&cases, &|_| &[Engine::Sqlite], None, move || {
        prepared.stop();
        if let Some(Ok(driver)) = driver.get() {
            driver.stop();
        }
    })
}

/// Runs a scenario in a browser of its own, which ends with it also when it panics; then there is a picture.
async fn in_window(driver: &Driver, app: &App, folder: &Path, name: &str, scenario: scenarios::Run) {
    watched(driver, app.front(), folder, name, async |window| scenario(app, window).await).await;
}

/// The same for what is at `front`, which needs no step. `Err` says that there is no browser, and that nobody wants one.
///
/// # Errors
/// There is no browser here.
///
/// # Panics
/// As `scenario` does; or there is no browser, and `WORKSHOP_REQUIRE` wants one.
pub async fn visit(
    front: &str,
    screenshots: &Path,
    name: &str,
    scenario: impl AsyncFnOnce(&Window),
) -> Result<(), Missing> {
    let driver = Driver::start().map_err(|error| Missing::why("browser", "in a browser", &error));
    match driver {
        Ok(driver) => watched(&driver, front, screenshots, name, scenario).await,
        Err(missing) if missing.required => panic!("{}", missing.reason),
        Err(missing) => return Err(missing),
    }
    Ok(())
}

async fn watched(
    driver: &Driver,
    front: &str,
    folder: &Path,
    name: &str,
    scenario: impl AsyncFnOnce(&Window),
) {
    let window = Window::open(driver, front, folder).await;
    let result = AssertUnwindSafe(scenario(&window)).catch_unwind().await;
    if result.is_err() {
        window.picture_of_failure(name).await;
    }
    window.close().await;
    if let Err(panic) = result {
        resume_unwind(panic);
    }
}
