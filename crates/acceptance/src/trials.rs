//! Cases, each run once on SQLite and once on PostgreSQL, with the options of `cargo test`.

use std::{process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use crate::databases::{Database, Databases, Engine, Missing};

/// How many run at once at least: they mostly wait for processes and their timers, not for a core of ours.
const AT_ONCE: usize = 4;

/// A name and what to do with a fresh database; an `Err` says what is wrong.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) run: Arc<dyn Fn(Database) -> Result<(), String> + Send + Sync>,
}

/// Runs the cases that the command line asks for; when something is `missing` that all of them need, none, and says so.
pub(crate) fn run(cases: &[Case], missing: Option<&str>) -> ExitCode {
    // For every HTTP client of the tests. Refused only when a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut arguments = Arguments::from_args();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    arguments.test_threads.get_or_insert(cores.max(AT_ONCE));

    let databases = Arc::new(Databases::default());
    let trials = Engine::ALL.iter().flat_map(|&engine| {
        let databases = &databases;
        cases.iter().map(move |case| {
            let databases = Arc::clone(databases);
            let run = Arc::clone(&case.run);
            let missing = missing.map(str::to_owned);
            let fresh = move || match missing {
                Some(reason) => Err(Missing { reason, required: false }),
                None => databases.fresh(engine),
            };
            Trial::ignorable_test(format!("{engine}::{}", case.name), move || match fresh() {
                Ok(database) => run(database).map(|()| Completion::Completed).map_err(Failed::from),
                Err(Missing { reason, required: true }) => Err(Failed::from(reason)),
                Err(Missing { reason, .. }) => Ok(Completion::ignored_with(reason)),
            })
        })
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    // Now, and not at the end of the process, which would not wait for the container to go.
    databases.stop();
    conclusion.exit_code()
}
