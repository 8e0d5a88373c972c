//! How a `system.toml` is read: the file, those that it extends, and what makes no sense in the sum.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde::Deserialize;
use toml::Spanned;

use super::{DATABASE, Definition, FILE, Place, Process, Setting, Take, is_database, process_named};
use crate::{Result, template::Template};

/// How many files may extend one another: more than steps, so a ring is noticed.
const DEEPEST: usize = 20;

/// A file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    extends: Option<Spanned<String>>,
    step: Option<String>,
    binary: Option<String>,
    front: Option<Spanned<String>>,
    #[serde(default)]
    remove: Vec<Spanned<String>>,
    #[serde(default)]
    process: Vec<WrittenProcess>,
    take: Option<WrittenTake>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTake {
    from: Spanned<String>,
    #[serde(default)]
    also: BTreeMap<String, String>,
    mover: Option<String>,
    #[serde(default)]
    then: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenProcess {
    name: Spanned<String>,
    args: Option<Vec<String>>,
    port: Option<u16>,
    health: Option<String>,
    once: Option<bool>,
    manual: Option<bool>,
    waits_for: Option<Vec<String>>,
    log: Option<String>,
    #[serde(default)]
    env: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    unset: Vec<Spanned<String>>,
}

/// What the files read so far add up to.
#[derive(Default)]
pub(super) struct Draft {
    step: Option<String>,
    binary: Option<String>,
    front: Option<(String, Place)>,
    processes: Vec<(Process, Place)>,
    /// Those of them that are manual.
    manual: BTreeSet<String>,
    take: Option<(Take, Place)>,
}

impl Draft {
    pub(super) fn read(&mut self, file: &Path, text: &str, depth: usize) -> Result<()> {
        let place = |offset: usize| Place {
            file: file.to_owned(),
            line: 1 + text.as_bytes().iter().take(offset).filter(|&&b| b == b'\n').count(),
        };
        let written: Written = toml::from_str(text).map_err(|error| {
            place(error.span().map_or(0, |span| span.start)).error(error.message().replace('\n', " "))
        })?;

        if let Some(extends) = &written.extends {
            let here = place(extends.span().start);
            if depth >= DEEPEST {
                return Err(here.error("these files extend one another in a ring"));
            }
            let base = file.parent().unwrap_or(Path::new(".")).join(extends.get_ref()).join(FILE);
            let text = fs::read_to_string(&base)
                .map_err(|error| here.error(format!("cannot read {}: {error}", base.display())))?;
            self.read(&base, &text, depth + 1)?;
        }
        self.step = written.step.or(self.step.take());
        self.binary = written.binary.or(self.binary.take());
        if let Some(front) = written.front {
            let here = place(front.span().start);
            self.front = Some((front.into_inner(), here));
        }
        for name in &written.remove {
            let index = self.processes.iter().position(|(process, _)| process.name == *name.get_ref());
            let index = index.ok_or_else(|| {
                place(name.span().start).error(format!("no process {} to remove", name.get_ref()))
            })?;
            self.processes.remove(index);
            self.manual.remove(name.get_ref());
        }
        // A step takes over the data of the one before, and whoever extends it has no share in that.
        self.take = written.take.map(|WrittenTake { from, also, mover, then }| {
            let here = place(from.span().start);
            (Take { from: from.into_inner(), also, mover, then }, here)
        });
        let mut seen = BTreeSet::new();
        for process in written.process {
            let here = place(process.name.span().start);
            if !seen.insert(process.name.get_ref().clone()) {
                return Err(here.error(format!("process {} stands here twice", process.name.get_ref())));
            }
            self.merge(process, &here, place)?;
        }
        Ok(())
    }

    /// Adds a process, or changes the one of that name.
    fn merge(&mut self, written: WrittenProcess, here: &Place, place: impl Fn(usize) -> Place) -> Result<()> {
        let name = written.name.into_inner();
        if !is_plain(&name) {
            return Err(here.error(format!("{name:?} must be lower-case letters, digits and -")));
        }
        let index =
            self.processes.iter().position(|(process, _)| process.name == name).unwrap_or_else(|| {
                let process = Process {
                    args: vec![name.clone()],
                    name,
                    port: None,
                    health: None,
                    once: false,
                    waits_for: Vec::new(),
                    log: None,
                    env: BTreeMap::new(),
                };
                self.processes.push((process, here.clone()));
                self.processes.len() - 1
            });
        let (process, at) = &mut self.processes[index];
        *at = here.clone();
        if let Some(args) = written.args {
            process.args = args;
        }
        process.port = written.port.or(process.port);
        process.health = written.health.or(process.health.take());
        process.once = written.once.unwrap_or(process.once);
        match written.manual {
            Some(true) => {
                self.manual.insert(process.name.clone());
            }
            Some(false) => {
                self.manual.remove(&process.name);
            }
            None => {}
        }
        process.log = written.log.or(process.log.take());
        if let Some(waits_for) = written.waits_for {
            process.waits_for = waits_for;
        }
        for key in written.unset {
            if process.env.remove(key.get_ref()).is_none() {
                return Err(place(key.span().start).error(format!("no variable {} to unset", key.get_ref())));
            }
        }
        for (key, value) in written.env {
            let place = place(value.span().start);
            let template = Template::parse(value.get_ref()).map_err(|message| place.error(message))?;
            process.env.insert(key, Setting { template, place });
        }
        Ok(())
    }

    pub(super) fn finish(self, file: &Path) -> Result<Definition> {
        let top = Place { file: file.to_owned(), line: 1 };
        let missing = |key: &str| top.error(format!("{key} is missing"));
        let step = self.step.ok_or_else(|| missing("step"))?;
        let binary = self.binary.ok_or_else(|| missing("binary"))?;
        let (front, front_place) = self.front.ok_or_else(|| missing("front"))?;

        let names: BTreeSet<_> = self.processes.iter().map(|(process, _)| process.name.clone()).collect();
        let listening = |name: &str| self.processes.iter().any(|(p, _)| p.name == name && p.port.is_some());
        if !listening(&front) {
            return Err(front_place.error(format!("front: no process {front} with a port")));
        }
        let mut ports = BTreeMap::new();
        for (process, place) in &self.processes {
            let name = &process.name;
            if self.manual.contains(name)
                && (process.port.is_some() || process.once || !process.waits_for.is_empty())
            {
                let message =
                    format!("{name} is manual, so it has no port, waits for nobody and is not run once");
                return Err(place.error(message));
            }
            if let Some(wanted) = process.waits_for.iter().find(|wanted| self.manual.contains(*wanted)) {
                return Err(place.error(format!("{name} waits for {wanted}, which is manual")));
            }
            if let Some(wanted) = process.waits_for.iter().find(|wanted| !names.contains(*wanted)) {
                return Err(place.error(format!("{name} waits for {wanted}, which is no process here")));
            }
            if process.once && process.port.is_some() {
                return Err(place.error(format!("{name} runs once, so it has no port")));
            }
            if let Some(health) = &process.health
                && (!health.starts_with('/') || process.port.is_none())
            {
                return Err(
                    place.error(format!("{name}: health is a path like /health/ready and needs a port"))
                );
            }
            if let Some(other) = process.port.and_then(|port| ports.insert(port, name)) {
                return Err(place.error(format!("{name} and {other} have the same port")));
            }
            for setting in process.env.values() {
                for placeholder in setting.template.names() {
                    if let Some(named) = process_named(placeholder)
                        && !listening(named)
                    {
                        let message = format!("{{{placeholder}}}: no process {named} with a port");
                        return Err(setting.place.error(message));
                    }
                    if is_database(placeholder) && !is_name_of_database(placeholder) {
                        let message = format!(
                            "{{{placeholder}}}: a database's name is lower-case letters, digits and -"
                        );
                        return Err(setting.place.error(message));
                    }
                }
            }
        }
        if let Some((take, place)) = &self.take {
            let mut named = take.mover.iter().chain(&take.then);
            if let Some(name) = named.find(|name| !self.manual.contains(*name)) {
                return Err(place.error(format!("take: no manual process {name}")));
            }
            let mut told = self.processes.iter().flat_map(|(process, _)| process.databases());
            if let Some(name) = take.also.keys().find(|name| !told.any(|told| told == *name)) {
                return Err(place.error(format!("take: no process is told of {name}")));
            }
        }
        let (manual, processes): (Vec<_>, Vec<_>) =
            self.processes.into_iter().partition(|(process, _)| self.manual.contains(&process.name));
        Ok(Definition {
            step,
            binary,
            front,
            processes: in_order(processes)?,
            manual: manual.into_iter().map(|(process, _)| process).collect(),
            take: self.take.map(|(take, _)| take),
        })
    }
}

/// Whether a database's placeholder can be a part of a file's name, on every system.
fn is_name_of_database(placeholder: &str) -> bool {
    placeholder
        .strip_prefix(DATABASE)
        .is_some_and(|rest| rest.strip_prefix('.').map_or(rest.is_empty(), is_plain))
}

/// Whether it is lower-case letters, digits and `-`, and not empty.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Puts each process after those it waits for; otherwise they keep their order.
fn in_order(mut rest: Vec<(Process, Place)>) -> Result<Vec<Process>> {
    let mut ordered: Vec<Process> = Vec::new();
    while !rest.is_empty() {
        let done = |name: &String| ordered.iter().any(|process| process.name == *name);
        let Some(next) = rest.iter().position(|(process, _)| process.waits_for.iter().all(done)) else {
            let (process, place) = &rest[0];
            return Err(place.error(format!("{} waits for itself, by way of others", process.name)));
        };
        ordered.push(rest.remove(next).0);
    }
    Ok(ordered)
}
