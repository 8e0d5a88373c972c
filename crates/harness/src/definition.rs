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
//!
//! [[process]]
//! name = "mover"
//! manual = true                    # only when somebody asks for it
//! env = { OLD_DATABASE_URL = "{database}", NEW_DATABASE_URL = "{database.notify}" }
//! ```
//!
//! A placeholder is `{url.NAME}`, `{port.NAME}`, `{folder}` (the one that this file lies in) or a value that the caller
//! gives (`{token}` …); `{name?}` leaves its variable out when the caller gives none. `{database}` is where the first database
//! is, `{database.NAME}` where a service has one of its own. `{moving.database?}` has a value only while the data of an earlier
//! step is taken over: where it comes from.
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
//!
//! [take]                        # the data of an earlier step can be taken over while people work; not inherited
//! from = "03"                   # that step
//! mover = "mover"               # the manual process that moves it while people work
//! ```
//!
//! Where nothing moves row by row, a take-over is a copy of the databases and what is said in it once more:
//!
//! ```toml
//! [take]
//! from = "06"
//! also = { "database.github" = "database" }   # one that begins as a copy of that of another name
//! then = ["retell-github"]                    # manual processes, run to their end once all are up
//! ```

mod draft;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::{Error, Result, template::Template};
use draft::Draft;

/// The name of the file in a step's folder.
pub const FILE: &str = "system.toml";

/// The placeholder for the folder that the file lies in.
pub(crate) const FOLDER: &str = "folder";

/// The placeholder for where the first database is, and the beginning of those for the others.
const DATABASE: &str = "database";

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
    /// Those that are started only when somebody asks for them.
    pub manual: Vec<Process>,
    /// How the data of an earlier step is taken over.
    pub take: Option<Take>,
}

/// How the data of an earlier step is taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Take {
    /// The number of that step.
    pub from: String,
    /// Databases that begin as a copy of one that has another name in that step.
    pub also: BTreeMap<String, String>,
    /// The manual process that moves rows while people work.
    pub mover: Option<String>,
    /// The manual processes that are run to their end once all others are up.
    pub then: Vec<String>,
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
        self.databases().next().is_some()
    }

    /// The databases that it is told of: `database`, or `database.NAME`.
    pub fn databases(&self) -> impl Iterator<Item = &str> {
        self.placeholders().filter(|name| is_database(name))
    }

    /// The variables that it is always given. Those that only some are given, with `{…?}`, have a default.
    pub fn settings(&self) -> impl Iterator<Item = &str> {
        let always = self.env.iter().filter(|(_, setting)| !setting.template.is_optional());
        always.map(|(name, _)| name.as_str())
    }

    /// Whether it may be given a variable of that name.
    #[must_use]
    pub fn is_given(&self, variable: &str) -> bool {
        self.env.contains_key(variable)
    }

    /// The files beside `system.toml` that it is told of: the values `{folder}/NAME`.
    pub fn files(&self) -> impl Iterator<Item = PathBuf> {
        self.env.values().filter(|setting| setting.template.names().any(|name| name == FOLDER)).filter_map(
            |setting| {
                let folder = setting.place.folder()?.display().to_string();
                let text = setting.template.fill(|name| (name == FOLDER).then(|| folder.clone())).ok()??;
                Some(PathBuf::from(text))
            },
        )
    }

    fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.env.values().flat_map(|setting| setting.template.names())
    }
}

/// Which process a placeholder is about; `None` when it is about none.
fn process_named(placeholder: &str) -> Option<&str> {
    placeholder.strip_prefix("url.").or_else(|| placeholder.strip_prefix("port."))
}

/// Whether a placeholder is where a database is.
fn is_database(placeholder: &str) -> bool {
    placeholder.strip_prefix(DATABASE).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
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

    /// Who is told the address of whom, among the processes that last: the edges of the system.
    pub fn edges(&self) -> impl Iterator<Item = (&str, &str)> {
        let lasting = self.processes.iter().filter(|process| !process.once);
        lasting.flat_map(|process| process.asks().into_iter().map(|asked| (process.name.as_str(), asked)))
    }

    /// The databases that its processes are told of: `database`, and `database.NAME` for each that has one of its own.
    #[must_use]
    pub fn databases(&self) -> BTreeSet<&str> {
        self.processes.iter().chain(&self.manual).flat_map(Process::databases).collect()
    }
}
