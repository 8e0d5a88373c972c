//! A constraint is the check; its violation is mapped to an answer where the query is.

/// Maps the violation of one constraint to an error of the domain.
pub trait OnConstraint<T> {
    /// When the unique index over `column` (as `table.column`) was violated, the error is what `map`
    /// gives; any other error is passed on.
    ///
    /// # Errors
    /// As above.
    fn on_unique_violation<E: From<sqlx::Error>>(self, column: &str, map: impl FnOnce() -> E)
    -> Result<T, E>;
}

impl<T> OnConstraint<T> for Result<T, sqlx::Error> {
    fn on_unique_violation<E: From<sqlx::Error>>(
        self,
        column: &str,
        map: impl FnOnce() -> E,
    ) -> Result<T, E> {
        self.map_err(|error| if violates(&error, column) { map() } else { E::from(error) })
    }
}

/// PostgreSQL names the constraint (`members_login_key`, its default name), SQLite only says
/// `UNIQUE constraint failed: members.login` in its message.
fn violates(error: &sqlx::Error, column: &str) -> bool {
    let Some(error) = error.as_database_error().filter(|error| error.is_unique_violation()) else {
        return false;
    };
    match error.constraint() {
        Some(name) => name == format!("{}_key", column.replace('.', "_")),
        None => error.message().rsplit(": ").next().is_some_and(|columns| columns.trim() == column),
    }
}
