//! The suite: how all scenarios are run against a step.

use std::{
    process::ExitCode,
    slice,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    App, Database, Engine, Missing, Scenario, Stage, Step, panics,
    scenario::On,
    scenarios,
    trials::{self, Ended},
};

/// Runs every scenario against a step, as the command line of `cargo test` asks.
#[must_use]
pub fn run(step: Step) -> ExitCode {
    run_each(step, &|_| Engine::ALL)
}

/// The same on one of the databases.
#[must_use]
pub fn run_on(step: Step, engine: Engine) -> ExitCode {
    run_each(step, &|_| slice::from_ref(&engine))
}

/// The same with one database for each scenario, in turn, `first` being the first one's: for a variant of a step. The step itself
/// runs every scenario on both.
#[must_use]
pub fn run_alternating(step: Step, first: Engine) -> ExitCode {
    run_each(step, &|place| slice::from_ref(&Engine::ALL[(place + first as usize) % Engine::ALL.len()]))
}

fn run_each(step: Step, engines: trials::Engines<'_>) -> ExitCode {
    let prepared: Arc<[Prepared; Engine::ALL.len()]> = Arc::default();
    let cases: Vec<_> = scenarios::all()
        .map(|scenario| {
            let area = scenario.area.rsplit("::").next().unwrap_or_default();
            let prepared = Arc::clone(&prepared);
            trials::Case {
                name: format!("{area}::{}", scenario.name),
                run: Arc::new(move |engine, fresh| {
                    let prepared = &prepared[engine as usize];
                    // Started and ended outside of the scenario's runtime: both block.
                    match scenario.on {
                        On::Fresh => alone(&scenario, start(&step, prepared.migrated(&step, fresh)?.copy())?),
                        On::Copy => alone(&scenario, start(&step, prepared.imported(&step, fresh)?.copy())?),
                        On::Imported => one(&scenario, &*prepared.shared(&step, fresh)?),
                    }
                }),
            }
        })
        .collect();
    trials::run(&cases, engines, None, move || prepared.iter().for_each(Prepared::stop))
}

/// What is kept of a database after the migration, and after an import.
const MIGRATED: &str = "migrated";
const IMPORTED: &str = "imported";

/// Runs every scenario on systems that `set_up` gives, `stages` of them at most, those that only read first. Each has one visitor at
/// a time: with two, one waits for its processes to start while the other is asked.
#[must_use]
pub fn run_on_stage(
    step: Step,
    stages: usize,
    set_up: impl Fn() -> Result<Arc<dyn Stage>, Missing> + Send + Sync + 'static,
) -> ExitCode {
    let set_up = move || set_up().map(PreparedStage::new);
    // The first one tells whether there can be any. Another is set up by whoever finds none that is free.
    let first = || Ok(Stages { free: Mutex::new(vec![set_up()?]), set_up: Box::new(set_up) });
    trials::run_over(
        stages,
        || first().map(Arc::new),
        |stages| {
            let mut scenarios: Vec<_> = scenarios::all().collect();
            scenarios.sort_by_key(|scenario| scenario.on != On::Imported);
            let cases = scenarios.into_iter().map(|scenario| {
                let stages = Arc::clone(stages);
                let area = scenario.area.rsplit("::").next().unwrap_or_default();
                let run = move || stages.with_one(|stage| stage.run(&step, &scenario));
                (format!("{area}::{}", scenario.name), Box::new(run) as trials::Once)
            });
            cases.collect()
        },
    )
}

/// The systems that nobody visits, and how one more is had.
struct Stages {
    free: Mutex<Vec<PreparedStage>>,
    set_up: Box<dyn Fn() -> Result<PreparedStage, Missing> + Send + Sync>,
}

impl Stages {
    fn with_one(&self, visit: impl FnOnce(&PreparedStage) -> Result<(), Ended>) -> Result<(), Ended> {
        let free = || self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = free().pop();
        let one = taken.map_or_else(&self.set_up, Ok)?;
        let ended = visit(&one);
        free().push(one);
        ended
    }
}

/// A system, and what was kept of it: each made by the first scenario that asks for it.
struct PreparedStage {
    stage: Arc<dyn Stage>,
    migrated: Lazy<()>,
    imported: Lazy<()>,
    /// The system as it is after an import, as long as only readers visit it.
    shared: Lazy<Arc<App>>,
}

impl PreparedStage {
    fn new(stage: Arc<dyn Stage>) -> Self {
        Self { stage, migrated: Lazy::default(), imported: Lazy::default(), shared: Lazy::default() }
    }

    fn run(&self, step: &Step, scenario: &Scenario) -> Result<(), Ended> {
        self.migrated.get(|| self.stage.keep(MIGRATED).map_err(broken))?;
        if scenario.begins_with_an_import() {
            self.imported.get(|| self.import(step))?;
        }
        if scenario.on == On::Imported {
            let shared = || Ok(Arc::new(self.renewed(step, IMPORTED)?));
            return one(scenario, &*self.shared.get(shared)?);
        }
        self.shared.forget();
        one(scenario, &self.renewed(step, if scenario.on == On::Fresh { MIGRATED } else { IMPORTED })?)
    }

    fn import(&self, step: &Step) -> Result<(), Ended> {
        let app = self.renewed(step, MIGRATED)?;
        panics::catch(async { _ = app.import().await }).map_err(Ended::Failed)?;
        self.stage.keep(IMPORTED).map_err(broken)
    }

    /// The system as it was when that was kept.
    fn renewed(&self, step: &Step, name: &str) -> Result<App, Ended> {
        App::on_stage(step, Arc::clone(&self.stage), name).map_err(broken)
    }
}

/// What scenarios start from on one engine, each made by the first that asks for it.
#[derive(Default)]
pub(crate) struct Prepared {
    migrated: Lazy<Database>,
    imported: Lazy<Database>,
    shared: Lazy<Arc<App>>,
}

impl Prepared {
    /// Databases that the step's own processes have prepared, to be copied: each scenario has its own, and none pays for
    /// the migration.
    fn migrated(&self, step: &Step, fresh: trials::Fresh<'_>) -> Result<Database, Ended> {
        self.migrated.get(|| {
            let database = fresh()?;
            App::prepare(step, &database).map_err(broken)?;
            Ok(database)
        })
    }

    /// The same after an import, its system ended.
    pub(crate) fn imported(&self, step: &Step, fresh: trials::Fresh<'_>) -> Result<Database, Ended> {
        self.imported.get(|| {
            let app = start(step, self.migrated(step, fresh)?.copy())?;
            panics::catch(async { _ = app.import().await }).map_err(|message| {
                Ended::Failed(format!("the import for all that start from one: {message}\n{}", app.report()))
            })?;
            Ok(app.database().clone())
        })
    }

    /// A running system on such databases.
    fn shared(&self, step: &Step, fresh: trials::Fresh<'_>) -> Result<Arc<App>, Ended> {
        self.shared.get(|| Ok(Arc::new(start(step, self.imported(step, fresh)?.copy())?)))
    }

    /// Ends the shared system and lets go of the databases, while their server is still there.
    pub(crate) fn stop(&self) {
        self.shared.forget();
        self.imported.forget();
        self.migrated.forget();
    }
}

/// A value, or why there is none, made once.
struct Lazy<T>(Mutex<Option<Result<T, Ended>>>);

impl<T> Default for Lazy<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Lazy<T> {
    fn get(&self, make: impl FnOnce() -> Result<T, Ended>) -> Result<T, Ended> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(make).clone()
    }

    fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Starts the step's processes on databases that were prepared.
pub(crate) fn start(step: &Step, database: anyhow::Result<Database>) -> Result<App, Ended> {
    let started = database.and_then(|database| App::start_prepared(step, database));
    started.map_err(broken)
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that map_err calls")]
fn broken(error: anyhow::Error) -> Ended {
    Ended::Failed(format!("{error:#}"))
}

/// Runs the scenario on a system that is its own, and ends that.
fn alone(scenario: &Scenario, app: App) -> Result<(), Ended> {
    let ended = one(scenario, &app);
    app.end();
    ended
}

/// Runs the scenario. `Err` has all that a reader needs.
fn one(scenario: &Scenario, app: &App) -> Result<(), Ended> {
    let run = || (scenario.run)(app);
    panics::catch(async { run().await }).map_err(|message| {
        Ended::Failed(format!("{}: {message}\n{}", scenario.name.replace('_', " "), app.report()))
    })
}
