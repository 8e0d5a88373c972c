//! What moves: the tables of a module.

use std::{future::Future, pin::Pin};

use store::{Error, Store, Tx};

/// The tables of a module, for whoever moves them.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The name of the module, which is a part of the names of tables and triggers.
    pub module: &'static str,
    /// What moves row by row; a table stands after those that it refers to.
    pub tables: &'static [Table],
    /// What is derived from those rows, and made anew where they are.
    pub derive: Option<Derive>,
    /// The tables of that, and of the module's migrations: dropped with the others.
    pub dropped_too: &'static [&'static str],
}

/// Makes anew, in a transaction, what is derived from the rows that are there; the store is the side that they came from.
pub type Derive =
    for<'a> fn(&'a Store, &'a mut Tx) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

/// A table whose primary key is `id TEXT`, and which has a `version BIGINT`.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The column by which it refers to another table of the module, and that table.
    pub refers: Option<(&'static str, &'static str)>,
}

impl Table {
    /// One that refers to no other.
    #[must_use]
    pub const fn alone(name: &'static str) -> Self {
        Self { name, refers: None }
    }

    /// One whose `column` has the id of a row of `parent`.
    #[must_use]
    pub const fn of(name: &'static str, column: &'static str, parent: &'static str) -> Self {
        Self { name, refers: Some((column, parent)) }
    }
}

impl Plan {
    /// The table in which the mirror notes what was written.
    #[must_use]
    pub fn moved_rows(&self) -> String {
        format!("{}_moved_rows", self.module)
    }
}
