//! What a scenario is.

use std::pin::Pin;

use crate::App;

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

impl Scenario {
    /// Whether it expects a system into which the two repositories were imported.
    #[must_use]
    pub fn begins_with_an_import(&self) -> bool {
        self.on != On::Fresh
    }
}

/// The system that a scenario finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// Its own, just started, empty.
    Fresh,
    /// Its own, just started, into whose database the two repositories were imported.
    Copy,
    /// One into which the two repositories were imported, shared with all scenarios that only read.
    Imported,
}

/// Lists the scenarios of a file: `scenarios![a_first_one, a_second_one];`. In front, those that only read an imported
/// system, and those that change a copy of it: `scenarios![imported: a_reader; copy: a_writer, another; a_first_one];`.
/// Nobody imports there again, and the simulators know nothing of what was told before. One that is left out is dead
/// code, which the compiler says.
macro_rules! scenarios {
    (imported: $($reader:ident),+; copy: $($writer:ident),+; $($name:ident),* $(,)?) => {
        $crate::scenario::scenarios!(@ [$($reader)+] [$($writer)+] [$($name)*]);
    };
    (imported: $($reader:ident),+; $($name:ident),* $(,)?) => {
        $crate::scenario::scenarios!(@ [$($reader)+] [] [$($name)*]);
    };
    (copy: $($writer:ident),+; $($name:ident),* $(,)?) => {
        $crate::scenario::scenarios!(@ [] [$($writer)+] [$($name)*]);
    };
    ($($name:ident),+ $(,)?) => {
        $crate::scenario::scenarios!(@ [] [] [$($name)+]);
    };
    (@ [$($reader:ident)*] [$($writer:ident)*] [$($name:ident)*]) => {
        pub(crate) const ALL: &[$crate::Scenario] = &[
            $($crate::scenario::scenario!($name, Fresh),)*
            $($crate::scenario::scenario!($writer, Copy),)*
            $($crate::scenario::scenario!($reader, Imported),)*
        ];
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
