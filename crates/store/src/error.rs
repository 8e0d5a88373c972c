//! What a database fails with, and the fault that it means to a caller.

use std::{borrow::Cow, io};

use chassis::Fault;
use sqlx::error::DatabaseError;

/// An error of the database. By `?` it becomes a [`Fault`]: [`Fault::Unavailable`] where the same call may work later,
/// [`Fault::Internal`] where it is our mistake. What the database says goes into the log and never to a caller.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] sqlx::Error);

/// PostgreSQL's errors that pass by themselves, or when somebody has seen to it: serialization failure, deadlock, too many
/// connections, lock not available, query cancelled, shutting down (thrice); a transaction that may only read, the disk full, no
/// memory, the disk broken.
const PASSING_POSTGRES: [&str; 12] = [
    "40001", "40P01", "53300", "55P03", "57014", "57P01", "57P02", "57P03", "25006", "53100", "53200",
    "58030",
];

/// SQLite's, in the last byte of its extended codes: BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN.
const PASSING_SQLITE: [u32; 7] = [5, 6, 7, 8, 10, 13, 14];

/// Those of both that say that no write is taken, and will not be until somebody has seen to it.
const NO_WRITES_POSTGRES: [&str; 3] = ["25006", "53100", "58030"];
const NO_WRITES_SQLITE: [u32; 3] = [8, 10, 13];

impl Error {
    /// No row where one had to be.
    pub(crate) fn no_row() -> Self {
        Self(sqlx::Error::RowNotFound)
    }

    /// The task that talked to the database has ended without an answer.
    pub(crate) fn broken_off() -> Self {
        Self(sqlx::Error::WorkerCrashed)
    }

    /// The file of the database is not the one that was opened.
    pub(crate) fn file_is_gone() -> Self {
        Self(
            io::Error::new(io::ErrorKind::NotFound, "the file of the database was deleted or replaced")
                .into(),
        )
    }

    /// No database takes it for now, for the reason in `why`: [`Fault::Unavailable`] to a caller.
    #[must_use]
    pub fn away(why: &str) -> Self {
        Self(io::Error::new(io::ErrorKind::TimedOut, why).into())
    }

    /// What the driver said.
    pub(crate) fn into_the_drivers(self) -> sqlx::Error {
        self.0
    }

    /// The database's own code, where the error is the database's.
    fn code(&self) -> Option<String> {
        self.0.as_database_error().and_then(DatabaseError::code).map(Cow::into_owned)
    }

    /// Whether the same call may work later.
    fn passes(&self) -> bool {
        self.is_one_of(&PASSING_SQLITE, &PASSING_POSTGRES)
    }

    /// Whether the database ended the statement because it took too long. SQLite has no such limit.
    #[must_use]
    pub fn is_statement_timeout(&self) -> bool {
        self.is_one_of(&[], &["57014"])
    }

    /// Whether the database takes no writes.
    pub(crate) fn refuses_writes(&self) -> bool {
        self.is_one_of(&NO_WRITES_SQLITE, &NO_WRITES_POSTGRES)
    }

    fn is_one_of(&self, sqlite: &[u32], postgres: &[&str]) -> bool {
        let Some(code) = self.code() else { return false };
        match code.parse::<u32>() {
            // PostgreSQL's have five characters, SQLite's fewer.
            Ok(number) if code.len() < 5 => sqlite.contains(&(number & 0xff)),
            _ => postgres.contains(&code.as_str()),
        }
    }

    /// Whether a unique constraint of that `table.column` was violated. PostgreSQL names the constraint (`members_login_key`, its
    /// default name), SQLite only says `UNIQUE constraint failed: members.login` in its message.
    fn violates(&self, column: &str) -> bool {
        let unique = |error: &&dyn DatabaseError| error.is_unique_violation();
        let Some(error) = self.0.as_database_error().filter(unique) else { return false };
        match error.constraint() {
            Some(name) => name == format!("{}_key", column.replace('.', "_")),
            None => error.message().rsplit(": ").next().is_some_and(|columns| columns.trim() == column),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let unavailable = |what| {
            tracing::warn!(%error, "{what}");
            Self::Unavailable("the database".to_owned())
        };
        match &error.0 {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                unavailable("no database connection")
            }
            _ if error.passes() => unavailable("the database cannot do it now"),
            _ => Self::internal(error),
        }
    }
}

/// A constraint is the check; its violation is mapped to an answer where the query is.
pub trait OnConstraint<T> {
    /// When the unique index over `column` (as `table.column`) was violated, the error is what `map` gives; any other error is
    /// passed on.
    ///
    /// # Errors
    /// What `map` gives, or the database's.
    fn on_unique_violation<E: From<Error>>(self, column: &str, map: impl FnOnce() -> E) -> Result<T, E>;
}

impl<T> OnConstraint<T> for Result<T, Error> {
    fn on_unique_violation<E: From<Error>>(self, column: &str, map: impl FnOnce() -> E) -> Result<T, E> {
        self.map_err(|error| if error.violates(column) { map() } else { E::from(error) })
    }
}
