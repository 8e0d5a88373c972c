//! What a scenario is, and how all of them are run against a step.

use std::{pin::Pin, process::ExitCode, sync::Arc};

use crate::{App, Step, panics, trials};

/// A future of a scenario.
pub type Run<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// One thing that Automator does, as a function that asks for it and panics when it does not.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// Where it stands: the file, e.g. `tasks`.
    pub area: &'static str,
    /// What it says, as the name of a function.
    pub name: &'static str,
    /// The function.
    pub run: for<'a> fn(&'a App) -> Run<'a>,
}

/// Lists the scenarios of a file: `scenarios![a_first_one, a_second_one];`. One that is left out is dead code, which the
/// compiler says.
macro_rules! scenarios {
    ($($name:ident),+ $(,)?) => {
        pub(crate) const ALL: &[$crate::Scenario] = &[
            $($crate::Scenario {
                area: module_path!(),
                name: stringify!($name),
                run: |app| ::std::boxed::Box::pin($name(app)),
            }),+
        ];
    };
}
pub(crate) use scenarios;

/// Runs every scenario against a step, as the command line of `cargo test` asks.
#[must_use]
pub fn run(step: Step) -> ExitCode {
    let cases: Vec<_> = crate::scenarios::all()
        .map(|scenario| {
            let area = scenario.area.rsplit("::").next().unwrap_or_default();
            let name = format!("{area}::{}", scenario.name);
            trials::Case { name, run: Arc::new(move |database| one(&step, &scenario, database)) }
        })
        .collect();
    trials::run(&cases, None)
}

/// Starts a system, runs the scenario, ends the system. `Err` has all that a reader needs.
fn one(step: &Step, scenario: &Scenario, database: crate::Database) -> Result<(), String> {
    // Started and ended outside of the scenario's runtime: both block.
    let app = App::start(step, database, |options| options).map_err(|error| format!("{error:#}"))?;
    let run = || (scenario.run)(&app);
    panics::catch(async { run().await })
        .map_err(|message| format!("{}: {message}\n{}", scenario.name.replace('_', " "), app.report()))
}
