//! What a caller decides about a system: ports, values, logs, patience.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use crate::{Logs, Stop, definition::Process};

/// The variables that a process inherits. All others come from `system.toml` and [`Options::env`]: a learner's own
/// `DATABASE_URL` or `GITHUB_TOKEN` cannot leak in.
pub const INHERITED: &[&str] = &[
    // where things are
    "PATH",
    "HOME",
    "USERPROFILE",
    "TMPDIR",
    "TEMP",
    "TMP",
    // Windows cannot open a socket without it
    "SystemRoot",
    "SystemDrive",
    "windir",
    // what a person sets to see more
    "RUST_LOG",
    "RUST_BACKTRACE",
    // where the program is that a process of ours starts
    "WORKSHOP_NATS_SERVER",
    "NO_COLOR",
    // text, time and certificates
    "LANG",
    "LC_ALL",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    // which of the answers to an exercise runs, where one file has several (`cargo workshop author prove`)
    "WORKSHOP_ANSWER",
    // coverage of processes under test
    "LLVM_PROFILE_FILE",
];

/// On which ports the processes listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ports {
    /// On free ones, so that systems can run side by side.
    #[default]
    Free,
    /// On those of `system.toml`.
    Declared,
}

/// Which of a step's processes are started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// All.
    #[default]
    All,
    /// Those with `once`: what prepares a system.
    Once,
    /// All others: a system that was prepared before.
    Lasting,
}

impl Part {
    pub(crate) fn has(self, process: &Process) -> bool {
        match self {
            Self::All => true,
            Self::Once => process.once,
            Self::Lasting => !process.once,
        }
    }
}

type Resolve = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// How to start a system.
#[derive(Clone)]
pub struct Options {
    pub(crate) folder: PathBuf,
    pub(crate) binary: PathBuf,
    pub(crate) part: Part,
    pub(crate) ports: Ports,
    pub(crate) fixed: BTreeMap<String, u16>,
    pub(crate) via: BTreeMap<String, String>,
    pub(crate) edges: BTreeMap<(String, String), String>,
    pub(crate) values: BTreeMap<String, String>,
    pub(crate) files: Option<PathBuf>,
    pub(crate) resolve: Option<Resolve>,
    pub(crate) env: Vec<(String, String, String)>,
    pub(crate) logs: Logs,
    pub(crate) ready_within: Duration,
    pub(crate) grace: Duration,
    pub(crate) working_directory: Option<PathBuf>,
    pub(crate) stop: Stop,
}

impl Options {
    /// The system of the step in `folder`, made from `binary`: free ports, no logs but in memory, 30 s to become ready,
    /// 10 s to stop.
    pub fn new(folder: impl Into<PathBuf>, binary: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            binary: binary.into(),
            part: Part::default(),
            ports: Ports::default(),
            fixed: BTreeMap::new(),
            via: BTreeMap::new(),
            edges: BTreeMap::new(),
            values: BTreeMap::new(),
            files: None,
            resolve: None,
            env: Vec::new(),
            logs: Logs::default(),
            ready_within: Duration::from_secs(30),
            grace: Duration::from_secs(10),
            working_directory: None,
            stop: Stop::default(),
        }
    }

    /// Which processes are started; the others count as ready, and can be started later.
    #[must_use]
    pub fn part(mut self, part: Part) -> Self {
        self.part = part;
        self
    }

    /// On which ports the processes listen.
    #[must_use]
    pub fn ports(mut self, ports: Ports) -> Self {
        self.ports = ports;
        self
    }

    /// The port of one process, whatever [`Options::ports`] says.
    #[must_use]
    pub fn port(mut self, process: &str, port: u16) -> Self {
        self.fixed.insert(process.to_owned(), port);
        self
    }

    /// What `{url.process}` means to the others: put a proxy between them and it.
    #[must_use]
    pub fn via(mut self, process: &str, url: impl Into<String>) -> Self {
        self.via.insert(process.to_owned(), url.into());
        self
    }

    /// What `{url.to}` means to `from` alone: put a proxy between the two.
    #[must_use]
    pub fn edge(mut self, from: &str, to: &str, url: impl Into<String>) -> Self {
        self.edges.insert((from.to_owned(), to.to_owned()), url.into());
        self
    }

    /// The value of `{name}`.
    #[must_use]
    pub fn value(mut self, name: &str, value: impl Into<String>) -> Self {
        self.values.insert(name.to_owned(), value.into());
        self
    }

    /// What `{folder}` is, in place of the folder that `system.toml` lies in: one with copies that may be edited.
    #[must_use]
    pub fn files(mut self, folder: impl Into<PathBuf>) -> Self {
        self.files = Some(folder.into());
        self
    }

    /// Asked for every `{name}` that has no [`Options::value`]; for values that are made when they are needed, such as a
    /// database for each module.
    #[must_use]
    pub fn resolve(mut self, resolve: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        self.resolve = Some(Arc::new(resolve));
        self
    }

    /// A variable of one process, in place of what `system.toml` says.
    #[must_use]
    pub fn env(mut self, process: &str, key: &str, value: impl Into<String>) -> Self {
        self.env.push((process.to_owned(), key.to_owned(), value.into()));
        self
    }

    /// Where the processes' lines go.
    #[must_use]
    pub fn logs(mut self, logs: Logs) -> Self {
        self.logs = logs;
        self
    }

    /// How long a process may take to become ready.
    #[must_use]
    pub fn ready_within(mut self, limit: Duration) -> Self {
        self.ready_within = limit;
        self
    }

    /// How long a process may take to stop before it is killed. Zero kills at once.
    #[must_use]
    pub fn grace(mut self, limit: Duration) -> Self {
        self.grace = limit;
        self
    }

    /// The processes' working directory, ours unless told.
    #[must_use]
    pub fn working_directory(mut self, folder: impl Into<PathBuf>) -> Self {
        self.working_directory = Some(folder.into());
        self
    }

    /// Lets somebody else end the start, or the patience of the end.
    #[must_use]
    pub fn stop(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values hold tokens and passwords of databases: names only.
        f.debug_struct("Options")
            .field("folder", &self.folder)
            .field("binary", &self.binary)
            .field("ports", &self.ports)
            .field("values", &self.values.keys())
            .field("logs", &self.logs)
            .finish_non_exhaustive()
    }
}
