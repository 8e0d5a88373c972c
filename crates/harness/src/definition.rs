//! `system.toml`: the one place that lists a step's processes.
//!
//! ```toml
//! step = "01"
//! binary = "system-01"          # one binary for all: `system-01 <process> …`
//! front = "monolith"            # the process that clients talk to
//!
//! [[process]]
//! name = "simulators"
//! port = 9000                   # for `run`; tests take free ones. Handed over as PORT, beside HOST
//! health = "/health/ready"      # ready when this answers 200; without it, when the port is open
//! log = "warn"                  # RUST_LOG, unless whoever runs it has set one
//!
//! [[process]]
//! name = "migrate"
//! args = ["monolith", "migrate"]   # [name] unless told
//! once = true                      # runs to its end before those that wait for it
//! env = { DATABASE_URL = "{database}" }
//!
//! [[process]]
//! name = "monolith"
//! port = 8080
//! health = "/health/ready"
//! waits_for = ["migrate", "simulators"]
//! env = { DATABASE_URL = "{database}", GITHUB_API_URL = "{url.simulators}" }
//! ```
//!
//! A placeholder is `{url.NAME}`, `{port.NAME}`, `{folder}` (the one that this file lies in) or a value that the caller
//! gives (`{database}`, `{token}` …); `{name?}` leaves its variable out when the caller gives none.
//!
//! A later step starts from an earlier one's file and says what is different:
//!
//! ```toml
//! extends = "../01-monolith"    # a folder with a system.toml
//! step = "04"
//! binary = "system-04"
//! remove = ["migrate"]
//!
//! [[process]]                   # known: what is given replaces, `env` key by key, the rest stays
//! name = "monolith"
//! env = { NOTIFY_URL = "{url.notify}" }
//! unset = ["TWILIO_API_URL"]
//! waits_for = ["notify"]
//!
//! [[process]]                   # new: added
//! name = "notify"
//! port = 8081
//! health = "/health/ready"
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use toml::Spanned;

use crate::{Error, Result, template::Template};

/// The name of the file in a step's folder.
pub const FILE: &str = "system.toml";

/// How many files may extend one another: more than steps, so a ring is noticed.
const DEEPEST: usize = 20;

/// A step's processes, checked, in an order in which they can be started.
#[derive(Debug, Clone)]
pub struct Definition {
    /// The step's number, e.g. `01`.
    pub step: String,
    /// The name of the binary that all processes are parts of.
    pub binary: String,
    /// The process that clients talk to; it has a port.
    pub front: String,
    /// The processes; each stands after those that it waits for.
    pub processes: Vec<Process>,
}

/// One process of a step.
#[derive(Debug, Clone)]
pub struct Process {
    /// Its name: lower-case letters, digits and `-`.
    pub name: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// The port that `run` gives it; `None` when it does not listen.
    pub port: Option<u16>,
    /// The path that answers 200 when it is ready.
    pub health: Option<String>,
    /// Whether it runs to its end before those that wait for it.
    pub once: bool,
    /// Who must be ready (or, with `once`, done) before it starts.
    pub waits_for: Vec<String>,
    /// `RUST_LOG`, unless whoever runs it has set one.
    pub log: Option<String>,
    pub(crate) env: BTreeMap<String, Setting>,
}

impl Process {
    /// The processes that it is told the address of: whom it asks.
    #[must_use]
    pub fn asks(&self) -> BTreeSet<&str> {
        self.placeholders().filter_map(process_named).collect()
    }

    /// Whether it is told where a database is.
    #[must_use]
    pub fn has_database(&self) -> bool {
        self.placeholders().any(|name| name == "database")
    }

    /// The variables that it is always given. Those that only some are given, with `{…?}`, have a default.
    pub fn settings(&self) -> impl Iterator<Item = &str> {
        let always = self.env.iter().filter(|(_, setting)| !setting.template.is_optional());
        always.map(|(name, _)| name.as_str())
    }

    fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.env.values().flat_map(|setting| setting.template.names())
    }
}

/// Which process a placeholder is about; `None` when it is about none.
fn process_named(placeholder: &str) -> Option<&str> {
    placeholder.strip_prefix("url.").or_else(|| placeholder.strip_prefix("port."))
}

/// A value with placeholders, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) template: Template,
    pub(crate) place: Place,
}

/// A line of a file.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    file: PathBuf,
    line: usize,
}

impl Place {
    /// The folder of the file, absolute: processes have a working directory of their own.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        std::path::absolute(self.file.parent()?).ok()
    }

    pub(crate) fn error(&self, message: impl Into<String>) -> Error {
        Error::Definition { file: self.file.clone(), line: self.line, message: message.into() }
    }
}

impl Definition {
    /// Reads `folder/system.toml` and all that it extends.
    ///
    /// # Errors
    /// A missing file, or the line with an unknown key, a wrong value, an unknown process or a ring of waits.
    pub fn load(folder: &Path) -> Result<Self> {
        let file = folder.join(FILE);
        let text = fs::read_to_string(&file).map_err(|source| Error::File { path: file.clone(), source })?;
        let mut draft = Draft::default();
        draft.read(&file, &text, 0)?;
        draft.finish(&file)
    }

    /// The process `name`.
    #[must_use]
    pub fn process(&self, name: &str) -> Option<&Process> {
        self.processes.iter().find(|process| process.name == name)
    }
}

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
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenProcess {
    name: Spanned<String>,
    args: Option<Vec<String>>,
    port: Option<u16>,
    health: Option<String>,
    once: Option<bool>,
    waits_for: Option<Vec<String>>,
    log: Option<String>,
    #[serde(default)]
    env: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    unset: Vec<Spanned<String>>,
}

/// What the files read so far add up to.
#[derive(Default)]
struct Draft {
    step: Option<String>,
    binary: Option<String>,
    front: Option<(String, Place)>,
    processes: Vec<(Process, Place)>,
}

impl Draft {
    fn read(&mut self, file: &Path, text: &str, depth: usize) -> Result<()> {
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
        }
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
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        {
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

    fn finish(self, file: &Path) -> Result<Definition> {
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
                }
            }
        }
        Ok(Definition { step, binary, front, processes: in_order(self.processes)? })
    }
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
