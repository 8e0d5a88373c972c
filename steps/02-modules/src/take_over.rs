//! Brings over what step 01 wrote.

use sqlx::AssertSqlSafe;
use store::Store;

use crate::stores::Stores;

/// Whether nobody has ever kept rules here.
pub async fn has_no_rules(stores: &Stores) -> bool {
    !has(&stores.backlog, "rules").await
}

/// Takes over the database of step 01, where there is one.
///
/// # Errors
/// The database's.
pub async fn run(_: &Stores) -> Result<(), sqlx::Error> {
    Ok(())
}

/// Whether there is such a table.
async fn has(store: &Store, table: &'static str) -> bool {
    let sql = format!("SELECT count(*) FROM {table}");
    sqlx::query(AssertSqlSafe(sql)).execute(store.pool()).await.is_ok()
}
