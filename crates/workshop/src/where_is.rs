//! `cargo workshop where`: in which step a process, a port or a table lives.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use harness::Definition;

use crate::{Usage, coach, files, list::Step, output::say, workshop::Workshop};

/// Something that has a place: its name, what it is, and where exactly.
struct Fact {
    name: String,
    what: String,
    file: String,
}

/// Where `name` lives at step `at`, or at the one that the reader is at, and what comes of it later.
pub(crate) fn find(workshop: &Workshop, name: &str, at: Option<u8>) -> Result<ExitCode> {
    let here = at.map(|number| workshop.step(number)).transpose()?.or_else(|| coach::here(workshop));
    // What it is, and from which step to which; a port that another process has is another thing.
    let mut lives: Vec<Life<'_>> = Vec::new();
    let mut known = Vec::new();
    for step in workshop.steps() {
        for fact in facts(workshop, step)? {
            if !fact.name.eq_ignore_ascii_case(name) {
                known.push(fact.name);
                continue;
            }
            match lives.last_mut().filter(|life| life.fact.what == fact.what) {
                // What comes of it later is told by the thing that takes its place.
                Some(_) if here.is_some_and(|here| step.number > here.number) => {}
                Some(life) => (life.now, life.fact) = (step, fact),
                None => lives.push(Life { since: step, now: step, fact }),
            }
        }
    }
    if lives.is_empty() {
        known.sort();
        known.dedup();
        return Err(Usage(format!("nothing is called {name}; there are: {}", known.join(", "))).into());
    }
    let is_here = |life: &Life<'_>| here.is_none_or(|here| life.since.number <= here.number);
    let (before, later): (Vec<_>, Vec<_>) = lives.into_iter().partition(is_here);
    match before.last() {
        Some(Life { since, now, fact, .. }) => {
            say(&format!(
                "{name}: {}, in step {} {}, since step {}",
                fact.what, now.number, now.title, since.number
            ));
            say(&format!("See {}", fact.file));
        }
        None => {
            say(&format!("{name}: not there yet at step {}", here.map_or("00", |here| here.number.as_str())));
        }
    }
    for Life { since, fact, .. } in later {
        say(&format!(
            "Later: {}, from step {} {} on, see {}",
            fact.what, since.number, since.title, fact.file
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Something with a place, for as long as it is the same thing.
struct Life<'a> {
    since: &'a Step,
    /// The last step up to the reader's that says where it is.
    now: &'a Step,
    fact: Fact,
}

/// The processes, ports and tables of a step.
fn facts(workshop: &Workshop, step: &Step) -> Result<Vec<Fact>> {
    let folder = workshop.folder(step);
    let definition = Definition::load(&folder)?;
    let system = workshop.shown(&folder.join("system.toml")).to_string();
    let mut facts = Vec::new();
    for process in definition.processes {
        if let Some(port) = process.port {
            let what = format!("the port of the process {}", process.name);
            facts.push(Fact { name: port.to_string(), what, file: system.clone() });
        }
        facts.push(Fact { name: process.name, what: "a process".to_owned(), file: system.clone() });
    }
    for process in definition.manual {
        let what = format!("a process that waits for: cargo workshop once {}", process.name);
        facts.push(Fact { name: process.name, what, file: system.clone() });
    }
    for (table, path) in created(workshop, step)? {
        let file = workshop.shown(&path).to_string();
        facts.push(Fact { name: table, what: "a table".to_owned(), file });
    }
    Ok(facts)
}

/// The names of the tables that a step creates.
pub(crate) fn tables_of(workshop: &Workshop, step: &Step) -> Result<Vec<String>> {
    Ok(created(workshop, step)?.into_iter().map(|(table, _)| table).collect())
}

/// The tables that a step creates, each with its migration.
fn created(workshop: &Workshop, step: &Step) -> Result<Vec<(String, PathBuf)>> {
    let folder = workshop.folder(step);
    let mut created = Vec::new();
    for name in files::below(&folder)? {
        if name.extension().is_some_and(|kind| kind == "sql") {
            let path = folder.join(name);
            let text = files::read(&path)?.unwrap_or_default();
            created.extend(tables(&text).map(|table| (table.to_owned(), path.clone())));
        }
    }
    Ok(created)
}

/// The tables that a migration creates, or takes over from an earlier step.
fn tables(sql: &str) -> impl Iterator<Item = &str> {
    sql.lines().filter_map(|line| {
        let rest = line.strip_prefix("CREATE TABLE ")?;
        rest.strip_prefix("IF NOT EXISTS ").unwrap_or(rest).split([' ', '(']).next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_from_a_migration() {
        let sql = "-- CREATE TABLE no\nCREATE TABLE tasks (\n  id TEXT\n);\nCREATE TABLE items(\n\
                   CREATE TABLE IF NOT EXISTS rules (\n";
        assert_eq!(tables(sql).collect::<Vec<_>>(), ["tasks", "items", "rules"]);
    }
}
