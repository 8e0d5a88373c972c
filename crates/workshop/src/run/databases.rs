//! The databases of a run: files of SQLite, one for each `{database…}` of the step's `system.toml`.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use harness::{Definition, Options, definition::Process};

use crate::{files, workshop::Workshop};

/// The placeholder of the first one, and the beginning of those of the others.
const FIRST: &str = "database";
/// What SQLite keeps beside a database, in the order in which it may go.
const BESIDE: [&str; 2] = ["-shm", "-wal"];

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    /// `database`, or `database.NAME`.
    pub(crate) placeholder: String,
    /// `automator.db`, or `automator-NAME.db`.
    pub(crate) file: PathBuf,
}

/// Those that a step's processes are told of, in `folder`; the first one first.
pub(crate) fn of(definition: &Definition, folder: &Path) -> Vec<Database> {
    definition.databases().into_iter().map(|placeholder| of_name(placeholder, folder)).collect()
}

/// The one of a placeholder, in `folder`.
pub(crate) fn of_name(placeholder: &str, folder: &Path) -> Database {
    let name = placeholder.strip_prefix(FIRST).and_then(|rest| rest.strip_prefix('.'));
    let file = name.map_or_else(|| "automator.db".to_owned(), |name| format!("automator-{name}.db"));
    Database { placeholder: placeholder.to_owned(), file: folder.join(file) }
}

impl Database {
    /// Its URL.
    pub(crate) fn url(&self) -> String {
        url_of(&self.file)
    }

    /// Whether there is a file.
    pub(crate) fn exists(&self) -> bool {
        self.file.exists()
    }

    /// Removes it, and what SQLite keeps beside it.
    pub(crate) fn remove(&self) -> Result<()> {
        for suffix in BESIDE.into_iter().chain([""]) {
            match fs::remove_file(beside(&self.file, suffix)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot remove {}", self.file.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether the file is a database at all (<https://sqlite.org/fileformat.html#the_database_header>). What is wrong beyond
    /// that, the migration says. `again` begins with an empty one.
    pub(crate) fn check(&self, workshop: &Workshop, again: &str) -> Result<()> {
        let mut file = match File::open(&self.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => {
                other.with_context(|| format!("cannot read the database {}", workshop.shown(&self.file)))?
            }
        };
        let mut head = Vec::new();
        Read::by_ref(&mut file)
            .take(16)
            .read_to_end(&mut head)
            .with_context(|| format!("cannot read the database {}", workshop.shown(&self.file)))?;
        if !head.is_empty() && head != b"SQLite format 3\0" {
            bail!("{} is no SQLite database; begin with an empty one: {again}", workshop.shown(&self.file));
        }
        Ok(())
    }

    /// Makes its file, empty, if there is none: SQLite takes its rights over for the files beside it, and those of one that it
    /// makes itself would be everybody's to read.
    pub(crate) fn keep_to_owner(&self, workshop: &Workshop) -> Result<()> {
        files::private(File::options().create(true).truncate(false).write(true))
            .open(&self.file)
            .map(drop)
            .with_context(|| format!("cannot write {}", workshop.shown(&self.file)))
    }

    /// Puts a copy of `other` in its place, for its owner's eyes, with the log that SQLite keeps of what it has not yet written
    /// into the file. Nobody may have `other` open.
    pub(crate) fn copy_of(&self, other: &Self) -> Result<()> {
        self.remove()?;
        // The file itself comes last: without it, there is no database.
        for suffix in ["-wal", ""] {
            let from = beside(&other.file, suffix);
            if !from.exists() {
                continue;
            }
            let copied = File::open(&from).and_then(|mut from| {
                let to = beside(&self.file, suffix);
                let mut to = files::private(File::options().create_new(true).write(true)).open(to)?;
                io::copy(&mut from, &mut to)?;
                to.sync_all()
            });
            copied.with_context(|| format!("cannot copy {} to {}", from.display(), self.file.display()))?;
        }
        Ok(())
    }
}

/// The same options, with a value for each database.
pub(crate) fn told(mut options: Options, databases: &[Database]) -> Options {
    for database in databases {
        options = options.value(&database.placeholder, database.url());
    }
    options
}

/// The files of those that a process is told of, as a person in the root would type them.
pub(crate) fn shown_of(process: &Process, databases: &[Database], workshop: &Workshop) -> String {
    let told: Vec<_> = process.databases().collect();
    let its = databases.iter().filter(|database| told.contains(&database.placeholder.as_str()));
    its.map(|database| workshop.shown(&database.file)).collect::<Vec<_>>().join(", ")
}

/// Where they are, for a person: one file, or a folder and the files in it.
pub(crate) fn shown(databases: &[Database], workshop: &Workshop) -> String {
    match databases {
        [] => "Database: none".to_owned(),
        [one] => format!("Database: {} (kept)", workshop.shown(&one.file)),
        [first, others @ ..] => {
            let name = |database: &Database| {
                database.file.file_name().unwrap_or_default().to_string_lossy().into_owned()
            };
            let others = others.iter().map(name).collect::<Vec<_>>().join(", ");
            format!("Databases: {}, beside it {others} (kept)", workshop.shown(&first.file))
        }
    }
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The URL of a database file. A folder's name may have what a URL means something by.
fn url_of(database: &Path) -> String {
    let mut url = "sqlite://".to_owned();
    for byte in database.display().to_string().replace('\\', "/").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b':' | b'-' | b'.' | b'_' | b'~' => {
                url.push(byte.into());
            }
            other => url.push_str(&format!("%{other:02X}")),
        }
    }
    url + "?mode=rwc"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_means_something_by_is_written_otherwise() {
        assert_eq!(
            url_of(Path::new("/a b/what?/feature%2Fx#1/ü.db")),
            "sqlite:///a%20b/what%3F/feature%252Fx%231/%C3%BC.db?mode=rwc"
        );
        assert_eq!(url_of(Path::new("C:\\x\\a.db")), "sqlite://C:/x/a.db?mode=rwc");
    }
}
