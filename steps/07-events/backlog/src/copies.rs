//! What backlog keeps of others: items, and who is in the team.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use async_trait::async_trait;
use domain::{Item, ItemKey, Login};
use sqlx::migrate::Migrator;
use step_02_contracts::{Ctx, Fault, Items, Logins};
use store::{On, Sql, Store, Tx, query};
use tokio::time::{Instant, sleep};

/// How long somebody who is not in the copy is waited for. A wrong login is refused so much later.
const PATIENCE: Duration = Duration::from_secs(2);
/// What is left to the caller for the rest.
const REST: Duration = Duration::from_millis(500);
/// How often the copy is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// The migrations of the copies.
#[must_use]
pub(crate) fn migrations() -> Migrator {
    sqlx::migrate!()
}

/// The copies, to be asked.
#[derive(Debug, Clone)]
pub(crate) struct Copies(pub(crate) Store);

#[async_trait]
impl Items for Copies {
    async fn items(&self, _: &Ctx, keys: &[ItemKey]) -> Result<HashMap<ItemKey, Item>, Fault> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let mut sql = Sql::new("SELECT item FROM item_copies WHERE item_key IN (NULL");
        for key in keys {
            sql.push_bind(", ", key.to_string());
        }
        sql.push(") ORDER BY item_key");
        let rows: Vec<(String,)> = sql.fetch_all(&self.0).await?;
        rows.into_iter()
            .map(|(item,)| {
                let item: Item = serde_json::from_str(&item).map_err(Fault::internal)?;
                Ok((item.key.clone(), item))
            })
            .collect()
    }
}

#[async_trait]
impl Logins for Copies {
    /// Whoever joined a moment ago is in the team's table, and on the way to this one.
    async fn logins(&self, ctx: &Ctx, wanted: Option<&Login>) -> Result<HashSet<Login>, Fault> {
        let until = Instant::now() + PATIENCE.min(ctx.remaining().saturating_sub(REST));
        loop {
            let known = logins(&self.0).await?;
            if wanted.is_none_or(|wanted| known.contains(wanted)) || Instant::now() >= until {
                return Ok(known);
            }
            sleep(LOOK).await;
        }
    }
}

/// Who is in the team, as far as it is known here.
pub(crate) async fn logins(on: impl Into<On<'_>>) -> Result<HashSet<Login>, Fault> {
    let rows: Vec<(String,)> =
        query("SELECT login FROM member_copies WHERE active = 1 ORDER BY login").fetch_all(on).await?;
    rows.into_iter().map(|(login,)| login.parse().map_err(Fault::internal)).collect()
}

/// Keeps an item, unless a newer state of it is here.
pub(crate) async fn keep(tx: &mut Tx, item: &Item) -> Result<(), Fault> {
    query(
        "INSERT INTO item_copies (item_key, updated_at, item) VALUES ($1, $2, $3) \
         ON CONFLICT (item_key) DO UPDATE SET updated_at = excluded.updated_at, item = excluded.item \
         WHERE item_copies.updated_at <= excluded.updated_at",
    )
    .bind(item.key.to_string())
    .bind(item.updated_at.as_millisecond())
    .bind(serde_json::to_string(item).map_err(Fault::internal)?)
    .execute(tx)
    .await?;
    Ok(())
}

/// Keeps that somebody is in the team, or no longer.
pub(crate) async fn set(tx: &mut Tx, login: &Login, active: bool) -> Result<(), Fault> {
    query(
        "INSERT INTO member_copies (login, active) VALUES ($1, $2) \
         ON CONFLICT (login) DO UPDATE SET active = excluded.active",
    )
    .bind(login.as_str())
    .bind(i64::from(active))
    .execute(tx)
    .await?;
    Ok(())
}
