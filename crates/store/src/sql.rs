//! SQL whose shape depends on the request: text that we wrote, values that we did not.

use sqlx::{
    Any, AnyConnection, Arguments, AssertSqlSafe, Encode, Executor, FromRow, Type,
    any::{AnyArguments, AnyRow},
};

/// A statement under construction. [`Sql::push`] takes `&'static str`, so nothing from a request can
/// become text; [`Sql::bind`] numbers the placeholder (`?`, which sqlx's `QueryBuilder` writes, is an
/// error on PostgreSQL).
#[derive(Default)]
pub struct Sql {
    text: String,
    arguments: AnyArguments,
    failed: Option<sqlx::Error>,
}

impl Sql {
    /// A statement that begins with `text`.
    #[must_use]
    pub fn new(text: &'static str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    /// Appends text.
    pub fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends text that was put together from our own constants, never from a request.
    pub fn push_own(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends a placeholder for `value`.
    pub fn bind<'t, T: Encode<'t, Any> + Type<Any>>(&mut self, value: T) -> &mut Self {
        match self.arguments.add(value) {
            Ok(()) => {
                let number = self.arguments.len();
                self.text.push('$');
                self.text.push_str(&number.to_string());
            }
            Err(error) => self.failed = Some(sqlx::Error::Encode(error)),
        }
        self
    }

    /// Appends `text`, then a placeholder for `value`.
    pub fn push_bind<'t, T: Encode<'t, Any> + Type<Any>>(
        &mut self,
        text: &'static str,
        value: T,
    ) -> &mut Self {
        self.push(text).bind(value)
    }

    /// Runs it, on a pool or in a transaction, and reads all rows.
    ///
    /// # Errors
    /// The database's.
    pub async fn fetch_all<'c, R>(
        self,
        executor: impl Executor<'c, Database = Any>,
    ) -> Result<Vec<R>, sqlx::Error>
    where
        R: for<'r> FromRow<'r, AnyRow> + Send + Unpin,
    {
        match self.failed {
            Some(error) => Err(error),
            None => sqlx::query_as_with(AssertSqlSafe(self.text), self.arguments).fetch_all(executor).await,
        }
    }

    /// Runs it in a transaction; the number of rows that it changed.
    ///
    /// # Errors
    /// The database's.
    pub async fn execute(self, connection: &mut AnyConnection) -> Result<u64, sqlx::Error> {
        match self.failed {
            Some(error) => Err(error),
            None => Ok(sqlx::query_with(AssertSqlSafe(self.text), self.arguments)
                .execute(connection)
                .await?
                .rows_affected()),
        }
    }
}
