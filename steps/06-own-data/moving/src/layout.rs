//! Rows of any table: read, written and taken away by their ids.

use kit_06_own_data::backfill::Row;
use sqlx::{Column, FromRow, Row as _, TypeInfo, ValueRef, postgres::PgRow, sqlite::SqliteRow};
use store::{Backend, Error, On, Query, Store, Tx, Value};

use crate::Table;

/// How many rows one statement writes: a database takes so many values at once, and no more.
const AT_ONCE: usize = 100;

/// A table with its columns.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The table.
    pub table: Table,
    /// All columns: `id`, `version`, then the others in the order of the table.
    columns: Vec<String>,
}

impl Layout {
    /// That of `table` in this database; `None` where there is no such table.
    ///
    /// # Errors
    /// The database's.
    pub async fn read(store: &Store, table: Table) -> Result<Option<Self>, Error> {
        let sql = match store.backend() {
            Backend::Sqlite => "SELECT name FROM pragma_table_info($1) ORDER BY cid",
            Backend::Postgres => {
                "SELECT CAST(attname AS TEXT) FROM pg_attribute \
                 WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
            }
        };
        let found: Vec<(String,)> = store::query(sql).bind(table.name).fetch_all(store).await?;
        let others = found.into_iter().map(|(name,)| name).filter(|name| name != "id" && name != "version");
        let others: Vec<_> = others.collect();
        if others.is_empty() {
            return Ok(None);
        }
        let columns = ["id".to_owned(), "version".to_owned()].into_iter().chain(others).collect();
        Ok(Some(Self { table, columns }))
    }

    /// Whether both have the same columns, in whichever order.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let sorted = |layout: &Self| {
            let mut columns = layout.columns.clone();
            columns.sort();
            columns
        };
        sorted(self) == sorted(other)
    }

    /// The rows whose id comes after `after` and up to `last`, at most `limit`, by id.
    ///
    /// # Errors
    /// The database's.
    pub async fn page(
        &self,
        store: &Store,
        after: Option<&str>,
        last: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Row>, Error> {
        let mut sql = self.select();
        let mut bounds = Vec::new();
        for (bound, operator) in [(after, ">"), (last, "<=")] {
            if let Some(bound) = bound {
                bounds.push(bound);
                let word = if bounds.len() == 1 { "WHERE" } else { "AND" };
                sql = format!("{sql} {word} id {operator} ${}", bounds.len());
            }
        }
        let query = bounds
            .into_iter()
            .fold(Query::assembled(format!("{sql} ORDER BY id LIMIT {limit}")), Query::bind);
        fetch(query, store).await
    }

    /// The last id.
    ///
    /// # Errors
    /// The database's.
    pub async fn last(&self, store: &Store) -> Result<Option<String>, Error> {
        let sql = format!("SELECT max(id) FROM {}", self.table.name);
        let (last,): (Option<String>,) = Query::assembled(sql).fetch_one(store).await?;
        Ok(last)
    }

    /// The rows of those ids that are there, by id.
    ///
    /// # Errors
    /// The database's.
    pub async fn of_ids(&self, on: impl Into<On<'_>>, ids: &[&str]) -> Result<Vec<Row>, Error> {
        let sql = format!("{} WHERE id IN {} ORDER BY id", self.select(), placeholders(ids.len()));
        fetch(ids.iter().fold(Query::assembled(sql), |query, id| query.bind(*id)), on).await
    }

    /// Inserts the rows, or replaces those that are there: only by a newer version, or by any. The number of rows that it changed.
    ///
    /// # Errors
    /// The database's.
    pub async fn upsert(&self, tx: &mut Tx, rows: &[&Row], only_newer: bool) -> Result<u64, Error> {
        let name = self.table.name;
        let set: Vec<_> =
            self.columns[1..].iter().map(|column| format!("{column} = excluded.{column}")).collect();
        let newer =
            if only_newer { format!(" WHERE {name}.version < excluded.version") } else { String::new() };
        let mut changed = 0;
        for rows in rows.chunks(AT_ONCE) {
            let width = self.columns.len();
            let values: Vec<_> = (0..rows.len()).map(|row| numbered(row * width, width)).collect();
            let sql = format!(
                "INSERT INTO {name} ({}) VALUES {} ON CONFLICT (id) DO UPDATE SET {}{newer}",
                self.columns.join(", "),
                values.join(", "),
                set.join(", "),
            );
            let upsert = rows.iter().fold(Query::assembled(sql), |query, row| {
                let query = query.bind(&row.id).bind(row.version);
                row.columns.iter().cloned().fold(query, Query::bind)
            });
            changed += upsert.execute(&mut *tx).await?;
        }
        Ok(changed)
    }

    /// Takes away the rows of those ids.
    ///
    /// # Errors
    /// The database's: another row still refers to one of them.
    pub async fn delete(&self, tx: &mut Tx, ids: &[&str]) -> Result<u64, Error> {
        self.delete_by(tx, "id", ids).await
    }

    /// Takes away the rows whose `column` has one of those values.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_by(&self, tx: &mut Tx, column: &str, values: &[&str]) -> Result<u64, Error> {
        if values.is_empty() {
            return Ok(0);
        }
        let sql = format!("DELETE FROM {} WHERE {column} IN {}", self.table.name, placeholders(values.len()));
        values.iter().fold(Query::assembled(sql), |query, value| query.bind(*value)).execute(tx).await
    }

    /// What the row has in that column, where that is text.
    #[must_use]
    pub fn text<'r>(&self, row: &'r Row, column: &str) -> Option<&'r str> {
        let place = self.columns.iter().position(|name| name == column)?;
        match row.columns.get(place.checked_sub(2)?)? {
            Value::Text(text) => text.as_deref(),
            _ => None,
        }
    }

    fn select(&self) -> String {
        format!("SELECT {} FROM {}", self.columns.join(", "), self.table.name)
    }
}

/// `($1, $2, $3)`
pub(crate) fn placeholders(count: usize) -> String {
    numbered(0, count)
}

fn numbered(before: usize, count: usize) -> String {
    let numbers: Vec<_> = (before + 1..=before + count).map(|number| format!("${number}")).collect();
    format!("({})", numbers.join(", "))
}

async fn fetch(query: Query, on: impl Into<On<'_>>) -> Result<Vec<Row>, Error> {
    let rows: Vec<Cells> = query.fetch_all(on).await?;
    Ok(rows.into_iter().map(|Cells(row)| row).collect())
}

/// A row of any table, whose first two columns are its id and its version.
struct Cells(Row);

impl Cells {
    fn new(id: String, version: i64, columns: Vec<Value>) -> Self {
        Self(Row { id, version, columns })
    }
}

/// A column of SQLite has what was written to it, so each value says what it is.
impl FromRow<'_, SqliteRow> for Cells {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let value = |place| {
            Ok(match row.try_get_raw(place)?.type_info().name() {
                "INTEGER" => Value::Integer(row.try_get(place)?),
                "REAL" => Value::Double(row.try_get(place)?),
                _ => Value::Text(row.try_get(place)?),
            })
        };
        let columns = (2..row.len()).map(value).collect::<Result<_, sqlx::Error>>()?;
        Ok(Self::new(row.try_get(0)?, row.try_get(1)?, columns))
    }
}

/// On PostgreSQL a NULL too must be written as what its column is.
impl FromRow<'_, PgRow> for Cells {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let value = |place| {
            Ok(match row.column(place).type_info().name() {
                "INT8" => Value::Integer(row.try_get(place)?),
                "FLOAT8" => Value::Double(row.try_get(place)?),
                _ => Value::Text(row.try_get(place)?),
            })
        };
        let columns = (2..row.len()).map(value).collect::<Result<_, sqlx::Error>>()?;
        Ok(Self::new(row.try_get(0)?, row.try_get(1)?, columns))
    }
}
