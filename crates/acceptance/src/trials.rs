//! Cases, each run once on each of some databases, with the options of `cargo test`.

use std::{process::ExitCode, sync::Arc, thread};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use crate::{
    databases::{Database, Databases, Engine, Missing},
    panics,
};

/// How many run at once at least: they mostly wait for processes and their timers, not for a core of ours.
const AT_ONCE: usize = 4;

/// Why a case did not end well.
#[derive(Clone)]
pub(crate) enum Ended {
    /// There is no database to run it on.
    Missing(Missing),
    /// What is wrong.
    Failed(String),
}

impl From<Missing> for Ended {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

/// Gives a fresh database at each call.
pub(crate) type Fresh<'a> = &'a dyn Fn() -> Result<Database, Missing>;

/// What a case does on an engine, with as many fresh databases as it asks for.
pub(crate) type Run = Arc<dyn Fn(Engine, Fresh<'_>) -> Result<(), Ended> + Send + Sync>;

/// A name and what to do.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) run: Run,
}

/// The name of a test, and the test: over what all of them share.
pub type Over<T> = (&'static str, fn(&T));

/// The whole of a test file with `harness = false` whose tests share something that takes long to set up: each test is given
/// it, one after the other. Where it is missing they are ignored, or fail, and say so.
#[must_use]
pub fn run_with<T: Send + Sync + 'static>(
    set_up: impl FnOnce() -> Result<T, Missing>,
    tests: &[Over<T>],
) -> ExitCode {
    let shared = || set_up().map(Arc::new);
    run_over(1, shared, |shared| {
        let case = |&(name, test): &Over<T>| {
            let shared = Arc::clone(shared);
            let run = move || panics::catch(async { test(&shared) }).map_err(Ended::Failed);
            (name.to_owned(), Box::new(run) as Once)
        };
        tests.iter().map(case).collect()
    })
}

/// What a case does that has no database of its own.
pub(crate) type Once = Box<dyn FnOnce() -> Result<(), Ended> + Send>;

/// Sets up what all cases need, runs those that the command line asks for, `at_once` of them at most, and lets go of it. Where it is
/// missing, one case stands for all and says so.
pub(crate) fn run_over<T>(
    at_once: usize,
    set_up: impl FnOnce() -> Result<T, Missing>,
    cases: impl FnOnce(&T) -> Vec<(String, Once)>,
) -> ExitCode {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(arguments.test_threads.map_or(at_once, |threads| threads.min(at_once)));
    let stage = if arguments.list {
        Err(Missing { reason: "they are known when all is set up".to_owned(), required: false })
    } else {
        set_up()
    };
    let cases = match &stage {
        Ok(stage) => cases(stage),
        Err(missing) => {
            let ended = Err(missing.clone().into());
            vec![("everything".to_owned(), Box::new(|| ended) as Once)]
        }
    };
    let trials = cases.into_iter().map(|(name, run)| Trial::ignorable_test(name, || completion(run())));
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn completion(ended: Result<(), Ended>) -> Result<Completion, Failed> {
    match ended {
        Ok(()) => Ok(Completion::Completed),
        Err(Ended::Failed(reason) | Ended::Missing(Missing { reason, required: true })) => {
            Err(Failed::from(reason))
        }
        Err(Ended::Missing(Missing { reason, .. })) => Ok(Completion::ignored_with(reason)),
    }
}

/// Which databases the case with this place in the list runs on.
pub(crate) type Engines<'a> = &'a dyn Fn(usize) -> &'a [Engine];

/// Runs the cases that the command line asks for, each on its `engines`; when something is `missing` that all of them need, none, and says
/// so. `after` them, and before the databases go, whatever still uses these is ended.
pub(crate) fn run(
    cases: &[Case],
    engines: Engines<'_>,
    missing: Option<&str>,
    after: impl FnOnce(),
) -> ExitCode {
    // For every HTTP client of the tests. Refused only when a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut arguments = Arguments::from_args();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    arguments.test_threads.get_or_insert(cores.max(AT_ONCE));

    let databases = Arc::new(Databases::default());
    // The server is wanted sooner or later, and needs a while to start: it does while the first cases run on SQLite.
    let everything = arguments.filter.is_none() && !arguments.list && missing.is_none();
    let on = |engine: Engine| (0..cases.len()).filter(move |&place| engines(place).contains(&engine));
    let starting = (everything && on(Engine::Postgres).next().is_some()).then(|| {
        let databases = Arc::clone(&databases);
        thread::spawn(move || databases.start_server().is_ok())
    });
    let trials = Engine::ALL.iter().flat_map(|&engine| {
        let databases = &databases;
        on(engine).map(move |place| {
            let case = &cases[place];
            let databases = Arc::clone(databases);
            let run = Arc::clone(&case.run);
            let missing = missing.map(str::to_owned);
            let fresh = move || match &missing {
                Some(reason) => Err(Missing { reason: reason.clone(), required: false }),
                None => databases.fresh(engine),
            };
            Trial::ignorable_test(format!("{engine}::{}", case.name), move || completion(run(engine, &fresh)))
        })
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    after();
    if let Some(starting) = starting {
        // It ended long ago, unless all that wanted the server was skipped. A panic was printed.
        let _ = starting.join();
    }
    // Now, and not at the end of the process: statics are never dropped.
    databases.stop();
    conclusion.exit_code()
}
