//! The connections to one database, or to one of several.

use std::{borrow::Cow, sync::Arc, time::Duration};

use chassis::{health::Health, serve::Stop};
use sqlx::{
    Connection, Database, Executor, PgPool, Pool as AnyPool, SqliteConnection, SqlitePool,
    migrate::{MigrateError, Migrator},
    pool::PoolOptions,
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::time::timeout;

use crate::{Backend, DatabaseUrl, Error, Recorder, Switch, condition::Condition, query};

/// How many connections a process holds at most.
const CONNECTIONS: u32 = 10;

/// How long a request waits for a free connection before it is told that the database is not available.
const ACQUIRE: Duration = Duration::from_secs(3);

/// How long to ask the server itself why there is no connection.
const ASK: Duration = Duration::from_secs(1);

/// For how long after its last use a connection is taken to be there still.
const FRESH: Duration = Duration::from_secs(1);

/// How long a writer on SQLite waits for the one before it.
const BUSY: Duration = Duration::from_secs(5);

/// How long a statement on PostgreSQL may wait for a lock, and how long it may take in all: whoever asked has gone by then, and the
/// connection must not wait on in their place.
const TIMEOUTS: [(&str, &str); 2] = [("lock_timeout", "5s"), ("statement_timeout", "9s")];

/// Where the rows are that somebody reads and writes.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) over: Over,
    pub(crate) recorder: Option<Arc<dyn Recorder>>,
}

/// What a store is over.
#[derive(Debug, Clone)]
pub(crate) enum Over {
    /// One database.
    One(Opened),
    /// One of several, chosen each time: see [`Switch`].
    Switched(Arc<dyn Switch>),
}

/// A pool of connections to one database.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    pub(crate) pool: Pool,
    pub(crate) condition: Arc<Condition>,
}

/// The pool of the driver that the URL chose.
#[derive(Debug, Clone)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
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
    store.close().await;
    tracing::info!(database = url.place(), "the database is up to date");
    Ok(())
}

impl Store {
    /// Opens the database and sees that it is one.
    ///
    /// # Errors
    /// [`OpenError::Connect`].
    pub async fn connect(url: &DatabaseUrl) -> Result<Self, OpenError> {
        let opened = match url.backend {
            Backend::Sqlite => sqlite(&url.url).await,
            Backend::Postgres => postgres(&url.url).await,
        };
        let (pool, condition) = opened.map_err(|source| OpenError::Connect { place: url.place(), source })?;
        Ok(Self { over: Over::One(Opened { pool, condition: Arc::new(condition) }), recorder: None })
    }

    /// A store over one of several databases, of which `switch` chooses one for each read and each write transaction.
    #[must_use]
    pub fn switched(switch: Arc<dyn Switch>) -> Self {
        Self { over: Over::Switched(switch), recorder: None }
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
        migrator.dangerous_set_table_name(format!("_{module}_migrations"));
        let database =
            self.for_a_read().await.map_err(|error| MigrateError::Execute(error.into_the_drivers()))?;
        match &database.pool {
            Pool::Sqlite(pool) => migrator.run(pool).await?,
            Pool::Postgres(pool) => {
                let mut connection = pool.acquire().await.map_err(MigrateError::Execute)?;
                // A migration may take its time.
                connection
                    .execute(
                        "SET lock_timeout = 0; SET statement_timeout = 0; \
                         DO $$ BEGIN CREATE DOMAIN binary_text AS TEXT COLLATE \"C\"; \
                         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
                    )
                    .await
                    .map_err(MigrateError::Execute)?;
                migrator.run(&mut *connection).await?;
                // Its settings are not those of the pool.
                connection.close().await.map_err(MigrateError::Execute)?;
            }
        }
        Ok(())
    }

    /// Which database it is.
    #[must_use]
    pub fn backend(&self) -> Backend {
        match &self.over {
            Over::One(database) => database.backend(),
            Over::Switched(switch) => switch.backend(),
        }
    }

    /// The database that this read is for.
    pub(crate) async fn for_a_read(&self) -> Result<Cow<'_, Opened>, Error> {
        match &self.over {
            Over::One(database) => Ok(Cow::Borrowed(database)),
            Over::Switched(switch) => {
                let chosen = switch.reads().await?;
                // One that is switched in its turn chooses again.
                Box::pin(async move { Ok(Cow::Owned(chosen.for_a_read().await?.into_owned())) }).await
            }
        }
    }

    /// Ready while the database answers and takes writes, until `stop`.
    #[must_use]
    pub fn health(&self, stop: Stop) -> Health {
        let store = self.clone();
        Health::new(stop).asking(move || {
            let store = store.clone();
            async move { store.is_there().await }
        })
    }

    /// The number that `sql` counts: the length of a queue, for whoever watches it.
    ///
    /// # Errors
    /// The database's.
    pub async fn count(&self, sql: &'static str) -> Result<i64, Error> {
        let (count,) = query(sql).fetch_one(self).await?;
        Ok(count)
    }

    /// Whether there is a table of that name.
    ///
    /// # Errors
    /// The database's.
    pub async fn has_table(&self, name: &str) -> Result<bool, Error> {
        let sql = match self.backend() {
            Backend::Sqlite => "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1",
            Backend::Postgres => "SELECT count(*) FROM pg_class WHERE oid = to_regclass($1)",
        };
        let (count,): (i64,) = query(sql).bind(name).fetch_one(self).await?;
        Ok(count > 0)
    }

    /// Closes every connection; what is under way finishes first.
    pub async fn close(&self) {
        match &self.over {
            Over::One(Opened { pool: Pool::Sqlite(pool), .. }) => pool.close().await,
            Over::One(Opened { pool: Pool::Postgres(pool), .. }) => pool.close().await,
            Over::Switched(switch) => switch.close().await,
        }
    }
}

impl Opened {
    /// Which database it is.
    pub(crate) fn backend(&self) -> Backend {
        match self.pool {
            Pool::Sqlite(_) => Backend::Sqlite,
            Pool::Postgres(_) => Backend::Postgres,
        }
    }

    /// The error, after what it says about the database was noted; for one that only says that the time was up, what took it.
    pub(crate) async fn explained(&self, error: sqlx::Error) -> Error {
        self.condition.notice(match &self.pool {
            Pool::Sqlite(pool) => explained(pool, error).await,
            Pool::Postgres(pool) => explained(pool, error).await,
        })
    }
}

/// A pool over the file at `url`. WAL: readers never wait for the writer. NORMAL: a killed process loses nothing.
async fn sqlite(url: &str) -> Result<(Pool, Condition), sqlx::Error> {
    let options = url
        .parse::<SqliteConnectOptions>()?
        .busy_timeout(BUSY)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true);
    // A file that is missing is made now or never: a connection that is opened later must not begin an empty one.
    SqliteConnection::connect_with(&options).await?.close().await?;
    let condition = Condition::new(Some(options.get_filename()))?;
    Ok((Pool::Sqlite(open(options.create_if_missing(false)).await?), condition))
}

async fn postgres(url: &str) -> Result<(Pool, Condition), sqlx::Error> {
    let pool = open(url.parse::<PgConnectOptions>()?.options(TIMEOUTS)).await?;
    Ok((Pool::Postgres(pool), Condition::new(None)?))
}

async fn open<D: Database>(
    options: <D::Connection as Connection>::Options,
) -> Result<AnyPool<D>, sqlx::Error> {
    let pool = PoolOptions::<D>::new()
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
        .connect_lazy_with(options);
    match pool.acquire().await {
        Ok(_) => Ok(pool),
        Err(error) => Err(explained(&pool, error).await),
    }
}

/// The error that lies behind `error`. While a server refuses connections, the pool tries again until the time is up and then says
/// no more than that; so the server is asked once more, outside of the pool.
async fn explained<D: Database>(pool: &AnyPool<D>, error: sqlx::Error) -> sqlx::Error {
    // One that is full has no time left for anybody either, and a further connection would make that worse.
    let is_full = pool.size() >= CONNECTIONS;
    if is_full || !matches!(error, sqlx::Error::PoolTimedOut) {
        return error;
    }
    match timeout(ASK, D::Connection::connect_with(&pool.connect_options())).await {
        Ok(Err(why)) => why,
        Ok(Ok(connection)) => {
            let _ = connection.close().await;
            error
        }
        Err(_) => error,
    }
}
