//! The system that steps 10 and 11 ship: the processes of their `system.toml`, and the SQL with which a test puts their databases
//! back.

use std::{sync::LazyLock, thread};

use acceptance::anyhow::{Result, bail};
use harness::{Definition, definition::Process};

use crate::root;

static SYSTEM: LazyLock<Definition> = LazyLock::new(|| {
    let folder = root().join("steps/10-containers");
    Definition::load(&folder).unwrap_or_else(|error| panic!("step 10 has no processes: {error}"))
});

/// The processes.
#[must_use]
pub fn system() -> &'static Definition {
    &SYSTEM
}

/// The names of those that listen: each has an image of that name.
pub fn serving() -> impl Iterator<Item = &'static str> {
    SYSTEM.processes.iter().filter(|process| process.port.is_some()).map(|process| process.name.as_str())
}

/// The names of those that listen and have a database: it has their name, and so has the role that owns it.
pub fn with_database() -> impl Iterator<Item = &'static str> {
    let theirs = |name: &&str| SYSTEM.process(name).is_some_and(Process::has_database);
    serving().filter(theirs)
}

/// The names of those that bring tables up to date.
pub fn migrations() -> impl Iterator<Item = &'static str> {
    SYSTEM.processes.iter().filter(|process| process.once).map(|process| process.name.as_str())
}

/// What keeps every database under `name`. Nobody may be connected.
#[must_use]
pub fn keep(name: &str) -> Vec<String> {
    let visitors = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    let copies = with_database().flat_map(|own| {
        [
            format!("DROP DATABASE IF EXISTS {name}_{own} WITH (FORCE)"),
            format!("CREATE DATABASE {name}_{own} TEMPLATE {own} STRATEGY file_copy"),
        ]
    });
    [visitors.to_owned()].into_iter().chain(copies).collect()
}

/// What puts every database back as it was when it was kept under `name`.
#[must_use]
pub fn renew(name: &str) -> Vec<String> {
    let copies = with_database().flat_map(|own| {
        [
            format!("DROP DATABASE IF EXISTS {own} WITH (FORCE)"),
            format!("CREATE DATABASE {own} OWNER {own} TEMPLATE {name}_{own} STRATEGY file_copy"),
        ]
    });
    copies.collect()
}

/// Does `act` to each of these at the same time.
///
/// # Errors
/// The first of theirs.
pub fn at_once<'n>(
    names: impl Iterator<Item = &'n str>,
    act: impl Fn(&str) -> Result<()> + Sync,
) -> Result<()> {
    let act = &act;
    thread::scope(|scope| {
        let acting: Vec<_> = names.map(|name| scope.spawn(move || act(name))).collect();
        acting.into_iter().try_for_each(|one| one.join().unwrap_or_else(|_| bail!("it panicked")))
    })
}
