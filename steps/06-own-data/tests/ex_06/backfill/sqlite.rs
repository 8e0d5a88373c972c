//! Two SQLite files with a table each, through the store that Automator uses.

use acceptance::Database;
use async_trait::async_trait;
use kit_06_own_data::{
    Fault,
    backfill::{Row, Source, Target, Writing},
};
use store::{Store, Tx, Value, query};

/// Both files, and what holds them.
pub(super) struct Sqlite {
    pub(super) old: Table,
    pub(super) new: Table,
    _place: Database,
}

/// The table of tasks in one of them.
#[derive(Clone)]
pub(super) struct Table(Store);

/// A row as it is read: id, version, status, points.
type Columns = (String, i64, Option<String>, Option<i64>);

impl Sqlite {
    pub(super) async fn new() -> Self {
        let place = Database::sqlite().expect("a folder");
        let old = Table::new(place.url()).await;
        let new = Table::new(&place.another().expect("another file")).await;
        Self { old, new, _place: place }
    }
}

impl Table {
    async fn new(url: &str) -> Self {
        let store = Store::connect(&url.parse().expect("a URL")).await.expect("it opens");
        for sql in [
            "CREATE TABLE tasks (id TEXT PRIMARY KEY, version BIGINT NOT NULL, status TEXT, points BIGINT)",
            "CREATE TABLE checkpoints (name TEXT PRIMARY KEY, after TEXT NOT NULL)",
        ] {
            query(sql).execute(&store).await.expect("a table");
        }
        Self(store)
    }

    /// Stores the rows, in one transaction.
    pub(super) async fn stores(&self, rows: &[Row]) {
        let mut writing = self.begin().await.expect("a transaction");
        writing.upsert(rows).await.expect("the rows are right");
        writing.commit().await.expect("it is there");
    }

    /// All rows by id.
    pub(super) async fn rows(&self) -> Vec<Row> {
        let sql = "SELECT id, version, status, points FROM tasks ORDER BY id";
        query(sql).fetch_all(&self.0).await.expect("a table").into_iter().map(row).collect()
    }
}

fn row((id, version, status, points): Columns) -> Row {
    Row { id, version, columns: vec![Value::from(status), Value::from(points)] }
}

#[async_trait]
impl Source for Table {
    async fn page(&self, after: Option<&str>, limit: u32) -> Result<Vec<Row>, Fault> {
        let sql =
            "SELECT id, version, status, points FROM tasks WHERE $1 IS NULL OR id > $1 ORDER BY id LIMIT $2";
        let rows = query(sql).bind(after).bind(i64::from(limit)).fetch_all(&self.0).await?;
        Ok(rows.into_iter().map(row).collect())
    }
}

#[async_trait]
impl Target for Table {
    async fn checkpoint(&self) -> Result<Option<String>, Fault> {
        let found: Option<(String,)> = query("SELECT after FROM checkpoints").fetch_optional(&self.0).await?;
        Ok(found.map(|(after,)| after))
    }

    async fn begin(&self) -> Result<Box<dyn Writing>, Fault> {
        Ok(Box::new(Transaction(self.0.begin_write().await?)))
    }
}

struct Transaction(Tx);

/// Replaces a row that is there.
const UPSERT: &str = "INSERT INTO tasks (id, version, status, points) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO UPDATE \
                      SET version = excluded.version, status = excluded.status, points = excluded.points";
/// Replaces it where it is older.
const UPSERT_IF_NEWER: &str = "INSERT INTO tasks (id, version, status, points) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO \
                               UPDATE SET version = excluded.version, status = excluded.status, points = excluded.points \
                               WHERE tasks.version < excluded.version";

impl Transaction {
    async fn each(&mut self, sql: &'static str, rows: &[Row]) -> Result<u64, Fault> {
        let mut changed = 0;
        for row in rows {
            let statement = query(sql).bind(&row.id).bind(row.version);
            let statement =
                row.columns.iter().fold(statement, |statement, column| statement.bind(column.clone()));
            changed += statement.execute(&mut self.0).await?;
        }
        Ok(changed)
    }
}

#[async_trait]
impl Writing for Transaction {
    async fn upsert_if_newer(&mut self, rows: &[Row]) -> Result<u64, Fault> {
        self.each(UPSERT_IF_NEWER, rows).await
    }

    async fn upsert(&mut self, rows: &[Row]) -> Result<u64, Fault> {
        self.each(UPSERT, rows).await
    }

    async fn set_checkpoint(&mut self, id: &str) -> Result<(), Fault> {
        let sql = "INSERT INTO checkpoints (name, after) VALUES ('tasks', $1) ON CONFLICT (name) DO UPDATE SET after = excluded.after";
        query(sql).bind(id).execute(&mut self.0).await?;
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<(), Fault> {
        Ok(self.0.commit().await?)
    }
}
