//! Statements: one SQL text for both databases, and the values beside it.

use sqlx::{
    Arguments, AssertSqlSafe, FromRow, Postgres, SqlSafeStr, SqlStr, Sqlite,
    postgres::{PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
};

use crate::{
    Error, Store, Tx,
    pool::{Over, Pool},
    tx::Connection,
};

/// A value that goes with a statement: what a column of ours can hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// BIGINT
    Integer(Option<i64>),
    /// DOUBLE PRECISION
    Double(Option<f64>),
    /// TEXT
    Text(Option<String>),
}

macro_rules! value_of {
    ($($from:ty => |$value:ident| $to:expr),+ $(,)?) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $to
            }
        })+
    };
}

value_of! {
    i64 => |value| Self::Integer(Some(value)),
    Option<i64> => |value| Self::Integer(value),
    f64 => |value| Self::Double(Some(value)),
    Option<f64> => |value| Self::Double(value),
    String => |value| Self::text(Some(value)),
    Option<String> => |value| Self::text(value),
    &str => |value| Self::text(Some(value.to_owned())),
    &String => |value| Self::text(Some(value.clone())),
    Option<&str> => |value| Self::text(value.map(str::to_owned)),
    Option<&String> => |value| Self::text(value.cloned()),
    &Option<String> => |value| Self::text(value.clone()),
}

impl Value {
    /// PostgreSQL's TEXT cannot hold a NUL. What others say may have one, and its reason, say, must be kept all the same: it becomes
    /// the replacement character, on both databases.
    fn text(value: Option<String>) -> Self {
        let clean = |text: String| if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text };
        Self::Text(value.map(clean))
    }
}

/// What a row is read into: a struct with `#[derive(FromRow)]` or a tuple, of `i64`, `f64`, `String`, and options of them.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin> Row for T {}

/// Where a statement runs: on any connection of a store, for a read or for a write that is one statement; or in a transaction.
#[derive(Debug)]
pub enum On<'e> {
    /// On a connection that is free.
    Store(&'e Store),
    /// On that of the transaction.
    Tx(&'e mut Tx),
}

impl<'e> From<&'e Store> for On<'e> {
    fn from(store: &'e Store) -> Self {
        Self::Store(store)
    }
}

impl<'e> From<&'e mut Tx> for On<'e> {
    fn from(tx: &'e mut Tx) -> Self {
        Self::Tx(tx)
    }
}

/// A statement with its values.
#[derive(Debug, Clone)]
pub struct Query {
    text: SqlStr,
    values: Vec<Value>,
}

/// A statement of that text, whose placeholders are `$1`, `$2`, ….
#[must_use]
pub fn query(text: &'static str) -> Query {
    Query { text: text.into_sql_str(), values: Vec::new() }
}

/// Runs a [`Query`] as one of sqlx's on the driver that `on` has.
macro_rules! run {
    ($query:expr, $on:expr, $make:ident [$($row:ident)?], $method:ident) => {{
        let Query { text, values } = $query;
        match $on {
            On::Store(store) => {
                let database = store.for_a_read().await?;
                let done = match &database.pool {
                    Pool::Sqlite(pool) => {
                        sqlx::$make::<Sqlite, $($row,)? _>(text, sqlite(values)?).$method(pool).await.map(Into::into)
                    }
                    Pool::Postgres(pool) => {
                        sqlx::$make::<Postgres, $($row,)? _>(text, postgres(values)?).$method(pool).await.map(Into::into)
                    }
                };
                match done {
                    Ok(done) => Ok(done),
                    Err(error) => Err(database.explained(error).await),
                }
            }
            On::Tx(tx) => {
                let done = match tx.connection() {
                    Connection::Sqlite(connection) => {
                        let statement = sqlx::$make::<Sqlite, $($row,)? _>(text, sqlite(values)?);
                        statement.$method(&mut **connection).await.map(Into::into)
                    }
                    Connection::Postgres(connection) => {
                        let statement = sqlx::$make::<Postgres, $($row,)? _>(text, postgres(values)?);
                        statement.$method(&mut **connection).await.map(Into::into)
                    }
                };
                done.map_err(|error| tx.notice(error))
            }
        }
    }};
}

impl Query {
    /// A statement that was put together from our own constants, never from a request.
    #[must_use]
    pub fn assembled(text: String) -> Self {
        Self { text: AssertSqlSafe(text).into_sql_str(), values: Vec::new() }
    }

    /// The value of the next placeholder.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Runs it and reads all rows.
    ///
    /// # Errors
    /// The database's.
    pub async fn fetch_all<R: Row>(self, on: impl Into<On<'_>>) -> Result<Vec<R>, Error> {
        run!(self, on.into(), query_as_with[R], fetch_all)
    }

    /// Runs it and reads the first row, if there is one.
    ///
    /// # Errors
    /// The database's.
    pub async fn fetch_optional<R: Row>(self, on: impl Into<On<'_>>) -> Result<Option<R>, Error> {
        run!(self, on.into(), query_as_with[R], fetch_optional)
    }

    /// Runs it and reads the first row.
    ///
    /// # Errors
    /// The database's; no row is one.
    pub async fn fetch_one<R: Row>(self, on: impl Into<On<'_>>) -> Result<R, Error> {
        self.fetch_optional(on).await?.ok_or_else(Error::no_row)
    }

    /// Runs it; the number of rows that it changed.
    ///
    /// # Errors
    /// The database's.
    pub async fn execute(self, on: impl Into<On<'_>>) -> Result<u64, Error> {
        let on = on.into();
        if let On::Store(store) = &on {
            match &store.over {
                Over::One(database) => database.condition.is_in_place()?,
                // Which one takes it is decided where a transaction begins, and nowhere else.
                Over::Switched(_) => {
                    let mut tx = store.begin_write().await?;
                    let changed: Changed = run!(self, On::Tx(&mut tx), query_with [], execute)?;
                    tx.commit().await?;
                    return Ok(changed.0);
                }
            }
        }
        let changed: Changed = run!(self, on, query_with [], execute)?;
        Ok(changed.0)
    }

    /// Runs a write that is one statement and answers with a row, if there is one: `UPDATE … RETURNING`.
    ///
    /// # Errors
    /// The database's.
    pub async fn fetch_written<R: Row>(self, store: &Store) -> Result<Option<R>, Error> {
        match &store.over {
            Over::One(database) => {
                database.condition.is_in_place()?;
                self.fetch_optional(store).await
            }
            Over::Switched(_) => {
                let mut tx = store.begin_write().await?;
                let row = self.fetch_optional(&mut tx).await?;
                tx.commit().await?;
                Ok(row)
            }
        }
    }
}

/// How many rows a statement changed.
struct Changed(u64);

impl From<sqlx::sqlite::SqliteQueryResult> for Changed {
    fn from(result: sqlx::sqlite::SqliteQueryResult) -> Self {
        Self(result.rows_affected())
    }
}

impl From<sqlx::postgres::PgQueryResult> for Changed {
    fn from(result: sqlx::postgres::PgQueryResult) -> Self {
        Self(result.rows_affected())
    }
}

fn sqlite(values: Vec<Value>) -> Result<SqliteArguments, Error> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        match value {
            Value::Integer(value) => Arguments::add(&mut arguments, value),
            Value::Double(value) => Arguments::add(&mut arguments, value),
            Value::Text(value) => Arguments::add(&mut arguments, value),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

fn postgres(values: Vec<Value>) -> Result<PgArguments, Error> {
    let mut arguments = PgArguments::default();
    for value in values {
        match value {
            Value::Integer(value) => Arguments::add(&mut arguments, value),
            Value::Double(value) => Arguments::add(&mut arguments, value),
            Value::Text(value) => Arguments::add(&mut arguments, value),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// A statement whose shape depends on the request: text that we wrote, values that we did not. [`Sql::push`] takes `&'static str`,
/// so nothing from a request can become text; [`Sql::bind`] numbers the placeholder.
#[derive(Debug, Default)]
pub struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    /// A statement that begins with `text`.
    #[must_use]
    pub fn new(text: &'static str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// Appends text.
    pub fn push(&mut self, text: &'static str) -> &mut Self {
        self.push_own(text)
    }

    /// Appends text that was put together from our own constants, never from a request.
    pub fn push_own(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends a placeholder for `value`.
    pub fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        let placeholder = format!("${}", self.values.len());
        self.push_own(&placeholder)
    }

    /// Appends `text`, then a placeholder for `value`.
    pub fn push_bind(&mut self, text: &'static str, value: impl Into<Value>) -> &mut Self {
        self.push(text).bind(value)
    }

    /// Runs it and reads all rows.
    ///
    /// # Errors
    /// The database's.
    pub async fn fetch_all<R: Row>(self, on: impl Into<On<'_>>) -> Result<Vec<R>, Error> {
        Query::from(self).fetch_all(on).await
    }

    /// Runs it and reads the first row, if there is one.
    ///
    /// # Errors
    /// The database's.
    pub async fn fetch_optional<R: Row>(self, on: impl Into<On<'_>>) -> Result<Option<R>, Error> {
        Query::from(self).fetch_optional(on).await
    }

    /// Runs it; the number of rows that it changed.
    ///
    /// # Errors
    /// The database's.
    pub async fn execute(self, on: impl Into<On<'_>>) -> Result<u64, Error> {
        Query::from(self).execute(on).await
    }
}

impl From<Sql> for Query {
    fn from(sql: Sql) -> Self {
        Self { values: sql.values, ..Self::assembled(sql.text) }
    }
}
