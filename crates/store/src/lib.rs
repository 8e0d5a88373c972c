//! One code for SQLite and PostgreSQL, over sqlx's `Any` driver.
//!
//! `DATABASE_URL` chooses. The rules that make one set of SQL right on both: columns are BIGINT,
//! TEXT and DOUBLE PRECISION; flags are 0 or 1; times are epoch milliseconds; ids are made by us. Where
//! the order of text counts, its type is `binary_text`, which [`Store::migrate`] makes known: PostgreSQL
//! would otherwise sort by the rules of its locale, SQLite never does.

pub mod config;
pub mod constraint;
pub mod cursor;
pub mod idempotency;
pub mod lease;
pub mod packed;
pub mod queue;
mod sql;

use std::{
    fmt::Debug,
    ops::{Deref, DerefMut},
    str::FromStr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use chassis::{
    Fault,
    event::{Event, Recorded},
    health::Health,
    serve::Stop,
};
use sqlx::{
    Any, AnyConnection, AnyPool, AssertSqlSafe, Connection, Executor, Transaction,
    any::AnyPoolOptions,
    migrate::{MigrateError, Migrator},
};

use tracing::Instrument;
use url::Url;

pub use constraint::OnConstraint;
pub use sql::Sql;

/// How many connections a process holds at most.
const CONNECTIONS: u32 = 10;

/// How long a request waits for a free connection before it is told that the database is not available.
const ACQUIRE: Duration = Duration::from_secs(3);

/// For how long after its last use a connection is taken to be there still.
const FRESH: Duration = Duration::from_secs(1);

/// A pool of connections to one database.
#[derive(Debug, Clone)]
pub struct Store {
    pool: AnyPool,
    backend: Backend,
    recorder: Option<Arc<dyn Recorder>>,
}

/// What becomes of the events that a transaction records.
#[async_trait]
pub trait Recorder: Debug + Send + Sync {
    /// Within the transaction, just before it commits: where events are rows, they are written here.
    ///
    /// # Errors
    /// The database's; then the transaction never happened.
    async fn before_commit(&self, _: &mut AnyConnection, _: &[Recorded]) -> Result<(), sqlx::Error> {
        Ok(())
    }

    /// The transaction has happened. A process that dies before this call has committed and told nobody.
    fn committed(&self, events: Vec<Recorded>);
}

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// A file beside the process.
    Sqlite,
    /// A server.
    Postgres,
}

impl FromStr for Backend {
    type Err = String;

    /// The backend that a URL speaks of.
    ///
    /// # Errors
    /// Neither `sqlite:` nor `postgres:`.
    fn from_str(url: &str) -> Result<Self, String> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Ok(Self::Sqlite),
            Some("postgres" | "postgresql") => Ok(Self::Postgres),
            _ => Err("must begin with sqlite: or postgres:".to_owned()),
        }
    }
}

/// Where the database is: a checked `sqlite://path` or `postgres://…` URL. Its password is never shown.
#[derive(Clone)]
pub struct DatabaseUrl {
    url: String,
    backend: Backend,
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let backend = url.parse()?;
        // A missing SQLite file is made; without this, opening it fails (SQLITE_CANTOPEN).
        let url = match backend {
            Backend::Sqlite if !url.contains('?') => format!("{url}?mode=rwc"),
            _ => url.to_owned(),
        };
        Ok(Self { url, backend })
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.place())
    }
}

impl DatabaseUrl {
    /// Which database, for a message: without user, password and parameters, which may hold them too.
    #[must_use]
    pub fn place(&self) -> String {
        match self.backend {
            Backend::Sqlite => self.url.split('?').next().unwrap_or_default().to_owned(),
            Backend::Postgres => match Url::parse(&self.url) {
                Ok(url) => {
                    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                    format!("postgres://{}{port}{}", url.host_str().unwrap_or_default(), url.path())
                }
                Err(_) => "postgres://…".to_owned(),
            },
        }
    }
}

/// Why the database could not be opened or brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No connection: no server, no right, not a database file.
    #[error("cannot open the database {place}")]
    Connect {
        /// Its URL without credentials.
        place: String,
        /// What the driver says.
        source: sqlx::Error,
    },
    /// A migration failed, or the database was migrated by a newer version.
    #[error("cannot bring the database up to date")]
    Migrate(#[from] MigrateError),
}

/// Brings the tables of the one `module` at `url` up to date: all that a service's own `migrate` does.
///
/// # Errors
/// The database cannot be opened, or a migration fails.
pub async fn migrate(url: &DatabaseUrl, module: &str, migrator: Migrator) -> Result<(), OpenError> {
    let store = Store::connect(url).await?;
    store.migrate(module, migrator).await?;
    store.pool.close().await;
    tracing::info!(database = url.place(), "the database is up to date");
    Ok(())
}

impl Store {
    /// Opens the database and sees that it is one.
    ///
    /// # Errors
    /// [`OpenError::Connect`].
    pub async fn connect(url: &DatabaseUrl) -> Result<Self, OpenError> {
        sqlx::any::install_default_drivers();
        let backend = url.backend;
        let failed = |source| OpenError::Connect { place: url.place(), source };
        if backend == Backend::Sqlite {
            // SQLite says only when it is used that a file is no database. Once outside the pool, which
            // would try again until its time is up, and then say that instead.
            let mut first = AnyConnection::connect(&url.url).await.map_err(failed)?;
            prepare(&mut first, backend).await.map_err(failed)?;
            first.close().await.map_err(failed)?;
        }
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE)
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    // A connection that was just used needs no question whether it is still there: one in two round
                    // trips. One that has lain idle may have outlived its server.
                    if meta.idle_for > FRESH {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .after_connect(move |connection, _| Box::pin(prepare(connection, backend)))
            .connect(&url.url)
            .await
            .map_err(failed)?;
        Ok(Self { pool, backend, recorder: None })
    }

    /// The same store, whose transactions hand what they record to `recorder`.
    #[must_use]
    pub fn recording(self, recorder: Arc<dyn Recorder>) -> Self {
        Self { recorder: Some(recorder), ..self }
    }

    /// Brings `module`'s tables up to date. Each module keeps its own record of migrations, so that
    /// several can share a database, each with a migration numbered 1. Run by one process, before the
    /// servers start: SQLite does not take two at once.
    ///
    /// # Errors
    /// [`OpenError::Migrate`]; what was applied before stays.
    pub async fn migrate(&self, module: &str, mut migrator: Migrator) -> Result<(), OpenError> {
        let mut connection = self.pool.acquire().await.map_err(MigrateError::Execute)?;
        if self.backend == Backend::Postgres {
            // A migration may take its time.
            connection
                .execute(
                    "SET lock_timeout = 0; SET statement_timeout = 0; \
                     DO $$ BEGIN CREATE DOMAIN binary_text AS TEXT COLLATE \"C\"; \
                     EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
                )
                .await
                .map_err(MigrateError::Execute)?;
        }
        migrator.dangerous_set_table_name(format!("_{module}_migrations"));
        migrator.run(&mut *connection).await?;
        // Its settings are not those of the pool.
        connection.close().await.map_err(MigrateError::Execute)?;
        Ok(())
    }

    /// Ready while the database answers, until `stop`.
    #[must_use]
    pub fn health(&self, stop: Stop) -> Health {
        let store = self.clone();
        Health::new(stop).asking(move || {
            let store = store.clone();
            async move { store.is_there().await }
        })
    }

    /// For reads, and for a write that is one statement. A read sees what was committed before it began.
    #[must_use]
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Begins a transaction that will write.
    ///
    /// On SQLite it takes the write lock at once (`BEGIN IMMEDIATE`) and waits for it: a transaction
    /// that reads first and then wants to write would fail when another has written in between.
    /// On PostgreSQL a row that is read to be changed wants [`Store::for_update`].
    ///
    /// # Errors
    /// No connection, or the write lock is not free for five seconds.
    pub async fn begin_write(&self) -> Result<Tx, sqlx::Error> {
        let begin = match self.backend {
            Backend::Sqlite => "BEGIN IMMEDIATE",
            Backend::Postgres => "BEGIN",
        };
        // In a task of its own, which goes on when whoever waits has gone, and then ends the transaction by dropping it. sqlx
        // 0.9.0 forgets one whose beginning is dropped (its issue 4393): the next to use the connection is in it, without
        // knowing, and what they write is never committed.
        let pool = self.pool.clone();
        let begun = tokio::spawn(async move { pool.begin_with(begin).await }.in_current_span());
        let inner = begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))?;
        Ok(Tx { inner, events: Vec::new(), recorder: self.recorder.clone() })
    }

    /// What to append to a SELECT whose rows this transaction will change: a row lock on PostgreSQL,
    /// nothing on SQLite, where [`Store::begin_write`] has locked all.
    #[must_use]
    pub fn for_update(&self) -> &'static str {
        match self.backend {
            Backend::Sqlite => "",
            Backend::Postgres => " FOR UPDATE",
        }
    }

    /// Keeps `table` as it is until the transaction ends: what is derived from it must not be derived
    /// from what somebody is changing. Others may lock it too; who wants to write it waits. Take it before
    /// any other lock. Nothing on SQLite, where [`Store::begin_write`] has locked all.
    ///
    /// # Errors
    /// The database's.
    pub async fn keep(&self, tx: &mut Tx, table: &'static str) -> Result<(), sqlx::Error> {
        self.lock(tx, table, "SHARE").await
    }

    /// Waits for those who [`Store::keep`] `table`, and makes them wait until the transaction ends: for who derives anew what
    /// they derive, without writing the table. Take it before any other lock.
    ///
    /// # Errors
    /// The database's.
    pub async fn turn(&self, tx: &mut Tx, table: &'static str) -> Result<(), sqlx::Error> {
        self.lock(tx, table, "SHARE ROW EXCLUSIVE").await
    }

    async fn lock(&self, tx: &mut Tx, table: &'static str, mode: &'static str) -> Result<(), sqlx::Error> {
        if self.backend == Backend::Postgres {
            let lock = format!("LOCK TABLE {table} IN {mode} MODE");
            sqlx::query(AssertSqlSafe(lock)).execute(&mut **tx).await?;
        }
        Ok(())
    }

    /// The number that `sql` counts: the length of a queue, for whoever watches it.
    ///
    /// # Errors
    /// The database's.
    pub async fn count(&self, sql: &'static str) -> Result<i64, sqlx::Error> {
        let (count,): (i64,) = sqlx::query_as(sql).fetch_one(&self.pool).await?;
        Ok(count)
    }

    /// Whether the database answers.
    pub async fn is_there(&self) -> bool {
        sqlx::query("SELECT 1").execute(&self.pool).await.is_ok()
    }

    /// Closes every connection; what is under way finishes first.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Sets what a new connection needs.
async fn prepare(connection: &mut AnyConnection, backend: Backend) -> Result<(), sqlx::Error> {
    let settings = match backend {
        // WAL: readers never wait for the writer. NORMAL: a killed process loses nothing.
        Backend::Sqlite => {
            "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
             PRAGMA foreign_keys = ON;"
        }
        // Whoever asked has gone by then; the connection must not wait on in their place.
        Backend::Postgres => "SET lock_timeout = '5s'; SET statement_timeout = '9s';",
    };
    connection.execute(settings).await?;
    Ok(())
}

/// A write transaction. Dropped without [`Tx::commit`], it never happened. Never call another
/// module, or the network, while one is open.
#[derive(Debug)]
pub struct Tx {
    inner: Transaction<'static, Any>,
    events: Vec<Recorded>,
    recorder: Option<Arc<dyn Recorder>>,
}

impl Tx {
    /// Makes the changes last.
    ///
    /// # Errors
    /// The connection broke: the changes may or may not last.
    pub async fn commit(mut self) -> Result<(), sqlx::Error> {
        let told = self.recorder.filter(|_| !self.events.is_empty());
        if let Some(recorder) = &told {
            recorder.before_commit(&mut self.inner, &self.events).await?;
        }
        self.inner.commit().await?;
        if let Some(recorder) = told {
            recorder.committed(self.events);
        }
        Ok(())
    }

    /// Records that `event` happens with this transaction, and only with it. Nobody hears of it where the store has no
    /// recorder.
    ///
    /// # Errors
    /// [`Fault::Internal`] when it has no JSON form.
    pub fn record(&mut self, event: &impl Event) -> Result<(), Fault> {
        self.events.push(Recorded::now(event)?);
        Ok(())
    }
}

impl Deref for Tx {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.inner
    }
}

/// The fault that a database error means to a caller: [`Fault::Unavailable`] where the same call may
/// work later, [`Fault::Internal`] where it is our mistake.
#[must_use]
pub fn fault(error: sqlx::Error) -> Fault {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap_or_default();
    let busy = matches!(
        code.as_ref(),
        // SQLITE_BUSY, _RECOVERY, _SNAPSHOT, LOCKED; PostgreSQL: serialization failure, deadlock,
        // too many connections, lock not available, query cancelled, shutting down.
        "5" | "261"
            | "517"
            | "6"
            | "40001"
            | "40P01"
            | "53300"
            | "55P03"
            | "57014"
            | "57P01"
            | "57P02"
            | "57P03"
    );
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
            tracing::warn!(%error, "no database connection");
            Fault::Unavailable("the database".to_owned())
        }
        error if busy => {
            tracing::warn!(%error, "the database is busy");
            Fault::Unavailable("the database".to_owned())
        }
        error => Fault::internal(error),
    }
}

/// The time as every table stores it: milliseconds since 1970, UTC.
#[must_use]
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_checked_and_its_password_never_shown() {
        let url: DatabaseUrl = "postgres://app:hunter2@db.example:5432/automator".parse().unwrap();
        assert_eq!(format!("{url:?}"), "postgres://db.example:5432/automator");
        for hidden in [
            "postgres:///db?host=/run&user=app&password=hunter2",
            "postgres://app:hunter2?@db.example/automator",
            "postgres://db.example/automator?user=a@b&password=hunter2",
            "postgresql://app:hunter2@:x/y",
        ] {
            let url: DatabaseUrl = hidden.parse().unwrap();
            assert!(!format!("{url:?}").contains("hunter2"), "{url:?}");
        }
        let file: DatabaseUrl = "sqlite://automator.db".parse().unwrap();
        assert_eq!(file.place(), "sqlite://automator.db");
        assert!("mysql://x".parse::<DatabaseUrl>().is_err());
    }
}
