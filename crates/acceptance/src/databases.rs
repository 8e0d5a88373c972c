//! A fresh database for each test, on SQLite and on PostgreSQL.
//!
//! SQLite is a file in a temporary folder. PostgreSQL is one container for all programs of tests, started when the first
//! test needs it, with a database for each test; it ends by itself when nobody uses it. Without a Docker engine the PostgreSQL
//! tests are ignored and say so, unless `WORKSHOP_REQUIRE` (a list with commas) has `docker`: then they fail.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::Path,
    process::ExitCode,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use anyhow::Context;
use tempfile::TempDir;

use crate::{
    panics,
    postgres::Postgres,
    trials::{self, Ended},
};

/// The whole of a test file with `harness = false`: runs each `async fn(Database)` on SQLite and on PostgreSQL.
///
/// ```ignore
/// acceptance::on_both_databases!(a_taken_name_is_refused, a_lost_lease_is_noticed);
///
/// async fn a_taken_name_is_refused(database: acceptance::Database) { … database.url() … }
/// ```
///
/// `given MISSING;` in front, an `Option<String>`, says what the tests need beyond a database and is not there: then they
/// are ignored, by name and with the reason.
#[macro_export]
macro_rules! on_both_databases {
    (given $given:expr; $($test:path),+ $(,)?) => {
        fn main() -> ::std::process::ExitCode {
            let missing: ::std::option::Option<::std::string::String> = $given;
            $crate::databases::run(
                &[$((stringify!($test), |database| ::std::boxed::Box::pin($test(database)))),+],
                missing.as_deref(),
            )
        }
    };
    ($($test:path),+ $(,)?) => {
        $crate::on_both_databases!(given ::std::option::Option::None; $($test),+);
    };
}

/// A test over a database, as [`on_both_databases!`] makes it.
pub type Test = fn(Database) -> std::pin::Pin<Box<dyn Future<Output = ()>>>;

/// Runs `tests`, each under its name, on both databases. Each has a tokio runtime of its own. Ignores them for the reason
/// in `missing`.
#[must_use]
pub fn run(tests: &[(&'static str, Test)], missing: Option<&str>) -> ExitCode {
    let cases: Vec<_> = tests
        .iter()
        .map(|&(name, test)| trials::Case {
            name: name.replace(' ', ""),
            run: Arc::new(move |_, fresh| {
                let database = fresh()?;
                panics::catch(async { test(database).await }).map_err(Ended::Failed)
            }),
        })
        .collect();
    trials::run(&cases, &|_| Engine::ALL, missing, || {})
}

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file.
    Sqlite,
    /// A server in a container.
    Postgres,
}

impl Engine {
    /// SQLite first: it is always there.
    pub const ALL: &'static [Self] = &[Self::Sqlite, Self::Postgres];
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        })
    }
}

/// An empty database that nobody else uses, as long as this value or a clone of it lives.
#[derive(Clone)]
pub struct Database {
    url: String,
    /// The databases beside it, by the names that a `system.toml` gives them.
    named: Arc<Mutex<BTreeMap<String, String>>>,
    place: Arc<Place>,
}

enum Place {
    Sqlite(TempDir),
    Postgres { server: Arc<Postgres>, names: Mutex<Vec<String>> },
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Postgres { server, names } = self {
            server.give_back(names.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..));
        }
    }
}

impl Database {
    /// A file of its own, for a test that is about something else than databases.
    ///
    /// # Errors
    /// No temporary folder can be made.
    pub fn sqlite() -> anyhow::Result<Self> {
        Self::sqlite_in(&std::env::temp_dir())
    }

    /// The same, in a folder of its own below `parent`: on the disk that this is on.
    ///
    /// # Errors
    /// No folder can be made there.
    pub fn sqlite_in(parent: &Path) -> anyhow::Result<Self> {
        let folder =
            TempDir::with_prefix_in("automator-", parent).context("cannot make a temporary folder")?;
        let url = sqlite_url(&folder.path().join("automator.db"));
        Ok(Self { url, named: Arc::default(), place: Arc::new(Place::Sqlite(folder)) })
    }

    /// What `DATABASE_URL` should say.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Which database it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match *self.place {
            Place::Sqlite(_) => Engine::Sqlite,
            Place::Postgres { .. } => Engine::Postgres,
        }
    }

    /// The URL of the database that `{database.NAME}` means, made for the first who asks.
    ///
    /// # Errors
    /// As [`Database::another`].
    pub fn named(&self, name: &str) -> anyhow::Result<String> {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(url) = named.get(name) {
            return Ok(url.clone());
        }
        let url = self.another()?;
        named.insert(name.to_owned(), url.clone());
        Ok(url)
    }

    /// A copy of this database, and of the named ones beside it, for somebody else. Nobody may be using them.
    ///
    /// # Errors
    /// Files cannot be copied, or the server does not make databases.
    pub fn copy(&self) -> anyhow::Result<Self> {
        let named = self.named.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let all = || named.iter().map(|(name, url)| (name.clone(), url.as_str()));
        Ok(match &*self.place {
            Place::Sqlite(folder) => {
                let copy = TempDir::with_prefix("automator-")?;
                for file in fs::read_dir(folder.path())? {
                    let file = file?;
                    fs::copy(file.path(), copy.path().join(file.file_name()))?;
                }
                let moved = |url: &str| sqlite_url(&copy.path().join(name_in(url)));
                let named = all().map(|(name, url)| (name, moved(url))).collect();
                let url = moved(&self.url);
                Self { url, named: Arc::new(Mutex::new(named)), place: Arc::new(Place::Sqlite(copy)) }
            }
            Place::Postgres { server, .. } => {
                let mut names = Vec::new();
                let mut copied = |url: &str| {
                    let (name, url) = server.copy(name_in(url))?;
                    names.push(name);
                    anyhow::Ok(url)
                };
                let url = copied(&self.url)?;
                let named =
                    all().map(|(name, url)| Ok((name, copied(url)?))).collect::<anyhow::Result<_>>()?;
                let place = Place::Postgres { server: Arc::clone(server), names: Mutex::new(names) };
                Self { url, named: Arc::new(Mutex::new(named)), place: Arc::new(place) }
            }
        })
    }

    /// Counts the rows, so that queries are planned as in a database that has been in use for a while. A server would do it
    /// by itself; ours is told not to, for the sake of many short tests. SQLite never does.
    ///
    /// # Errors
    /// The server does not.
    pub fn analyze(&self) -> anyhow::Result<()> {
        match &*self.place {
            Place::Sqlite(_) => Ok(()),
            Place::Postgres { server, names } => {
                server.analyze(&names.lock().unwrap_or_else(PoisonError::into_inner))
            }
        }
    }

    /// CPU time that the database has used outside of the processes that ask it: zero on SQLite; the whole server's on
    /// PostgreSQL, where the engine tells. Other programs of tests may use the same server: a measurement runs alone.
    #[must_use]
    pub fn cpu_time(&self) -> Option<Duration> {
        match &*self.place {
            Place::Sqlite(_) => Some(Duration::ZERO),
            Place::Postgres { server, .. } => server.cpu_time().ok(),
        }
    }

    /// The URL of another fresh database beside this one, for a system whose modules have one each.
    ///
    /// # Errors
    /// The server does not make one.
    pub fn another(&self) -> anyhow::Result<String> {
        match &*self.place {
            Place::Sqlite(folder) => {
                let (_, path) = tempfile::Builder::new().suffix(".db").tempfile_in(folder.path())?.keep()?;
                Ok(sqlite_url(&path))
            }
            Place::Postgres { server, names } => {
                let (name, url) = server.database()?;
                names.lock().unwrap_or_else(PoisonError::into_inner).push(name);
                Ok(url)
            }
        }
    }
}

/// The name of the database in its URL: of the file, or at the server.
fn name_in(url: &str) -> &str {
    url.split('?').next().and_then(|url| url.rsplit('/').next()).unwrap_or_default()
}

fn sqlite_url(path: &Path) -> String {
    // A URL has forward slashes, also where a path has not.
    format!("sqlite://{}?mode=rwc", path.display().to_string().replace('\\', "/"))
}

/// Why there is no database, or no browser.
#[derive(Debug, Clone)]
pub struct Missing {
    /// In one line.
    pub reason: String,
    /// Whether that is a failure.
    pub required: bool,
}

impl Missing {
    /// What `WORKSHOP_REQUIRE` calls `need` is not there. Says once, in full, which tests are ignored for that; each test
    /// says it in short.
    pub(crate) fn why(need: &str, tests: &str, error: &anyhow::Error) -> Self {
        let required = is_required(need);
        if required {
            return Self { reason: format!("WORKSHOP_REQUIRE has {need}, but {error:#}"), required };
        }
        eprintln!("tests {tests} are ignored: {error:#}");
        Self { reason: error.to_string(), required }
    }
}

/// Makes databases; one for a test binary.
#[derive(Default)]
pub struct Databases {
    postgres: OnceLock<Result<Arc<Postgres>, Missing>>,
}

impl Databases {
    /// An empty database. Blocks.
    ///
    /// # Errors
    /// There is none: no Docker engine, say.
    pub fn fresh(&self, engine: Engine) -> Result<Database, Missing> {
        let broken = |reason: String| Missing { reason, required: true };
        match engine {
            Engine::Sqlite => Database::sqlite().map_err(|error| broken(format!("{error:#}"))),
            Engine::Postgres => {
                let server = self.start_server().as_ref().map_err(Clone::clone)?;
                let (name, url) = server.database().map_err(|error| broken(format!("{error:#}")))?;
                let place = Place::Postgres { server: Arc::clone(server), names: Mutex::new(vec![name]) };
                Ok(Database { url, named: Arc::default(), place: Arc::new(place) })
            }
        }
    }

    /// Starts the PostgreSQL server, or joins the one that somebody has started.
    pub(crate) fn start_server(&self) -> &Result<Arc<Postgres>, Missing> {
        self.postgres.get_or_init(|| {
            Postgres::start().map(Arc::new).map_err(|error| Missing::why("docker", "on PostgreSQL", &error))
        })
    }

    /// Leaves the server, and takes away what was made there.
    pub fn stop(&self) {
        if let Some(Ok(server)) = self.postgres.get() {
            server.stop();
        }
    }
}

/// Whether `WORKSHOP_REQUIRE` names `need`: where it does, a missing one is a failure instead of a gap.
#[must_use]
pub fn is_required(need: &str) -> bool {
    std::env::var("WORKSHOP_REQUIRE").is_ok_and(|list| list.split(',').any(|entry| entry.trim() == need))
}
