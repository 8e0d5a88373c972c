//! `cargo workshop where`: in which step a process, a port or a table lives.

use std::process::ExitCode;

use anyhow::Result;
use harness::Definition;

use crate::{Usage, files, list::Step, say::say, workshop::Workshop};

/// Something that has a place: its name, what it is, and where exactly.
struct Fact {
    name: String,
    what: String,
    file: String,
}

pub(crate) fn find(workshop: &Workshop, name: &str) -> Result<ExitCode> {
    let mut now = None;
    let mut since = None;
    let mut known = Vec::new();
    for step in workshop.steps() {
        for fact in facts(workshop, step)? {
            if fact.name.eq_ignore_ascii_case(name) {
                since.get_or_insert(step);
                now = Some((step, fact));
            } else {
                known.push(fact.name);
            }
        }
    }
    let (Some((step, fact)), Some(since)) = (now, since) else {
        known.sort();
        known.dedup();
        return Err(Usage(format!("nothing is called {name}; there are: {}", known.join(", "))).into());
    };
    say(&format!(
        "{name}: {}, in step {} {}, since step {}",
        fact.what, step.number, step.title, since.number
    ));
    say(&format!("See {}", fact.file));
    Ok(ExitCode::SUCCESS)
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
    for name in
        files::below(&folder)?.into_iter().filter(|name| name.extension().is_some_and(|kind| kind == "sql"))
    {
        let path = folder.join(name);
        let text = files::read(&path)?.unwrap_or_default();
        let file = workshop.shown(&path).to_string();
        facts.extend(tables(&text).map(|table| Fact {
            name: table.to_owned(),
            what: "a table".to_owned(),
            file: file.clone(),
        }));
    }
    Ok(facts)
}

/// The tables that a migration creates.
fn tables(sql: &str) -> impl Iterator<Item = &str> {
    sql.lines().filter_map(|line| line.strip_prefix("CREATE TABLE ")?.split([' ', '(']).next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_from_a_migration() {
        let sql = "-- CREATE TABLE no\nCREATE TABLE tasks (\n  id TEXT\n);\nCREATE TABLE items(\n";
        assert_eq!(tables(sql).collect::<Vec<_>>(), ["tasks", "items"]);
    }
}
