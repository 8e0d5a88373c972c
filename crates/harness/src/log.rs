//! What the processes print: kept in memory for error messages, and shown or filed as the caller wishes.

use std::{
    collections::VecDeque,
    fmt,
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{Error, Result};

/// How many lines of each process stay in memory.
const KEPT: usize = 2_000;
/// How many of them an error shows.
const SHOWN: usize = 25;

/// ANSI colours of the names, in turn: cyan, green, magenta, yellow, blue, then the bright ones.
const COLOURS: [u8; 8] = [36, 32, 35, 33, 34, 96, 92, 95];

/// Where the lines of the processes go, beside the memory.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Logs {
    /// Nowhere.
    #[default]
    Quiet,
    /// All into one writer, each line behind the name of its process.
    Prefixed {
        /// The writer; one line a call.
        to: Arc<Mutex<dyn Write + Send>>,
        /// Whether the names are coloured.
        colour: bool,
    },
    /// Into `FOLDER/NAME.log`, one file a process.
    Folder(PathBuf),
}

impl Logs {
    /// To standard error, coloured when it is a terminal and `NO_COLOR` is not set (<https://no-color.org>).
    #[must_use]
    pub fn to_stderr() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let colour = wanted && std::io::IsTerminal::is_terminal(&std::io::stderr());
        Self::Prefixed { to: Arc::new(Mutex::new(std::io::stderr())), colour }
    }

    /// The sink for the process `name`, the `index`-th; `width` is the length of the longest name.
    pub(crate) fn sink(&self, name: &str, index: usize, width: usize) -> Result<Sink> {
        Ok(match self {
            Self::Quiet => Sink::None,
            Self::Prefixed { to, colour } => {
                let prefix = if *colour {
                    format!("\x1b[{}m{name:width$} │\x1b[0m ", COLOURS[index % COLOURS.len()])
                } else {
                    format!("{name:width$} | ")
                };
                Sink::Prefixed { prefix, to: Arc::clone(to) }
            }
            Self::Folder(folder) => {
                let path = folder.join(format!("{name}.log"));
                let file = std::fs::create_dir_all(folder)
                    .and_then(|()| File::options().create(true).append(true).open(&path));
                Sink::File(file.map_err(|source| Error::File { path, source })?)
            }
        })
    }
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quiet => f.write_str("Quiet"),
            Self::Prefixed { colour, .. } => f.debug_struct("Prefixed").field("colour", colour).finish(),
            Self::Folder(folder) => f.debug_tuple("Folder").field(folder).finish(),
        }
    }
}

/// Where the lines of one process go.
pub(crate) enum Sink {
    None,
    Prefixed { prefix: String, to: Arc<Mutex<dyn Write + Send>> },
    File(File),
}

/// The last lines of one process, over all its lives.
pub(crate) struct Log {
    lines: Mutex<VecDeque<String>>,
    sink: Mutex<Sink>,
}

impl Log {
    pub(crate) fn new(sink: Sink) -> Self {
        Self { lines: Mutex::default(), sink: Mutex::new(sink) }
    }

    /// Reads to the end of `from`. Errors end it: a closed pipe is how a process says goodbye.
    pub(crate) fn read(&self, from: impl Read) {
        let mut from = BufReader::new(from);
        let mut bytes = Vec::new();
        while from.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
            self.push(String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned());
            bytes.clear();
        }
    }

    fn push(&self, line: String) {
        // A log that cannot be written is no reason to lose the memory, or to stop reading and block the process.
        match &mut *self.sink.lock().unwrap_or_else(PoisonError::into_inner) {
            Sink::None => {}
            Sink::Prefixed { prefix, to } => {
                let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = to.write_all(format!("{prefix}{line}\n").as_bytes());
                let _ = to.flush();
            }
            Sink::File(file) => {
                let _ = file.write_all(format!("{line}\n").as_bytes());
            }
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// All that is kept.
    pub(crate) fn all(&self) -> String {
        self.last(KEPT)
    }

    /// The lines for an error message, indented.
    pub(crate) fn tail(&self) -> String {
        let tail = self.last(SHOWN);
        if tail.is_empty() {
            return "  (it printed nothing)".to_owned();
        }
        tail.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
    }

    fn last(&self, count: usize) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let skip = lines.len().saturating_sub(count);
        lines.iter().skip(skip).map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}
