//! What a scenario is, and how all of them are run against a step.

use std::{
    pin::Pin,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    App, Database, Engine, Step, panics,
    trials::{self, Ended},
};

/// A future of a scenario.
pub type Run<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// One thing that Automator does, as a function that asks for it and panics when it does not.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// Where it stands: the file, e.g. `tasks`.
    pub area: &'static str,
    /// What it says, as the name of a function.
    pub name: &'static str,
    /// On what it runs.
    pub on: On,
    /// The function.
    pub run: for<'a> fn(&'a App) -> Run<'a>,
}

/// The system that a scenario finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// Its own, just started, empty.
    Fresh,
    /// One into which the two repositories were imported, shared with all scenarios that only read.
    Imported,
}

/// Lists the scenarios of a file: `scenarios![a_first_one, a_second_one];`, those that only read an imported system in
/// front: `scenarios![imported: a_reader, another; a_first_one];`. One that is left out is dead code, which the compiler
/// says.
macro_rules! scenarios {
    (imported: $($reader:ident),+; $($name:ident),* $(,)?) => {
        pub(crate) const ALL: &[$crate::Scenario] = &[
            $($crate::scenario::scenario!($reader, Imported),)+
            $($crate::scenario::scenario!($name, Fresh)),*
        ];
    };
    ($($name:ident),+ $(,)?) => {
        pub(crate) const ALL: &[$crate::Scenario] = &[$($crate::scenario::scenario!($name, Fresh)),+];
    };
}
macro_rules! scenario {
    ($name:ident, $on:ident) => {
        $crate::Scenario {
            area: module_path!(),
            name: stringify!($name),
            on: $crate::scenario::On::$on,
            run: |app| ::std::boxed::Box::pin($name(app)),
        }
    };
}
pub(crate) use {scenario, scenarios};

/// Runs every scenario against a step, as the command line of `cargo test` asks.
#[must_use]
pub fn run(step: Step) -> ExitCode {
    let imported = Arc::new(Imported::default());
    let cases: Vec<_> = crate::scenarios::all()
        .map(|scenario| {
            let area = scenario.area.rsplit("::").next().unwrap_or_default();
            let imported = Arc::clone(&imported);
            trials::Case {
                name: format!("{area}::{}", scenario.name),
                run: Arc::new(move |engine, fresh| match scenario.on {
                    On::Fresh => {
                        // Started and ended outside of the scenario's runtime: both block.
                        let app = start(&step, fresh()?)?;
                        one(&scenario, &app)
                    }
                    On::Imported => one(&scenario, &*imported.get(&step, engine, fresh)?),
                }),
            }
        })
        .collect();
    trials::run(&cases, None, move || imported.stop())
}

/// The systems that are shared, one for each engine, each made by the first that asks for it.
#[derive(Default)]
struct Imported([Mutex<Option<Arc<App>>>; Engine::ALL.len()]);

impl Imported {
    fn get(&self, step: &Step, engine: Engine, fresh: trials::Fresh<'_>) -> Result<Arc<App>, Ended> {
        let mut shared = self.0[engine as usize].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(app) = &*shared {
            return Ok(Arc::clone(app));
        }
        let app = start(step, fresh()?)?;
        panics::catch(async { _ = app.import().await }).map_err(|message| {
            Ended::Failed(format!("the import for all readers: {message}\n{}", app.report()))
        })?;
        Ok(Arc::clone(shared.insert(Arc::new(app))))
    }

    /// Ends the systems, while their databases are still there.
    fn stop(&self) {
        for shared in &self.0 {
            shared.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

fn start(step: &Step, database: Database) -> Result<App, Ended> {
    App::start(step, database, |options| options).map_err(|error| Ended::Failed(format!("{error:#}")))
}

/// Runs the scenario. `Err` has all that a reader needs.
fn one(scenario: &Scenario, app: &App) -> Result<(), Ended> {
    let run = || (scenario.run)(app);
    panics::catch(async { run().await }).map_err(|message| {
        Ended::Failed(format!("{}: {message}\n{}", scenario.name.replace('_', " "), app.report()))
    })
}
