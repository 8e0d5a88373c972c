//! How long the community waits, and who of it contributes: read models (pattern: *CQRS*, the query side), made of what
//! github and the team tell.
//!
//! Asks nobody while it answers. The formulas are those of `automator-insights`, as in step 01; what was a join over four contexts' tables there is a query over
//! our own here, and a little late.

mod on_events;
mod routes;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use automator_insights::{ItemRow, LineRow, MergeRow, check, leaders_of, measures_of, milliseconds, year_of};
use domain::{Catalogue, Group, Leaderboard, Measures, MeasuresQuery};
use sqlx::migrate::Migrator;
use step_02_contracts::{Ctx, Fault, Insights, Maintainers};
use store::{Sql, Store, Tx, query};

pub use routes::router;

/// The tables that nobody else reads or writes.
pub const TABLES: [&str; 3] = ["insight_items", "insight_lines", "insight_maintainers"];

/// How long the team may take to say who is in it, at the start.
const CATCH_UP: Duration = Duration::from_secs(30);

/// The migrations of this module.
#[must_use]
pub fn migrations() -> Migrator {
    sqlx::migrate!()
}

/// Throws the read models away, within a transaction: whoever hears everything again makes the same of it. How many rows those were.
///
/// # Errors
/// The database's.
pub async fn forget(tx: &mut Tx) -> Result<u64, Fault> {
    let mut rows = 0;
    for delete in
        ["DELETE FROM insight_lines", "DELETE FROM insight_items", "DELETE FROM insight_maintainers"]
    {
        rows += query(delete).execute(&mut *tx).await?;
    }
    Ok(rows)
}

/// The module behind its port.
#[derive(Debug, Clone)]
pub struct Module {
    store: Store,
    catalogue: Arc<Catalogue>,
}

impl Module {
    /// The module over its tables, counting what `catalogue` tracks from now on.
    ///
    /// # Errors
    /// The database's.
    pub async fn new(store: Store, catalogue: Arc<Catalogue>) -> Result<Self, Fault> {
        on_events::track(&store, &catalogue).await?;
        Ok(Self { store, catalogue })
    }

    /// Compares our copy of who is in the team with the `team`: an event may have been lost with a process.
    ///
    /// # Errors
    /// The team's, or the database's.
    pub async fn catch_up(&self, team: &dyn Maintainers) -> Result<(), Fault> {
        let active = team.active(&Ctx::background(CATCH_UP)).await?;
        on_events::become_like(&self.store, active.iter().map(|member| &member.login)).await
    }
}

#[async_trait]
impl Insights for Module {
    async fn measures(&self, _: &Ctx, query: MeasuresQuery) -> Result<Measures, Fault> {
        check(&query)?;
        let lines: Vec<LineRow> = store::query(
            "SELECT w.item_key AS item_id, w.kind, w.at, w.bot, \
                    CAST(CASE WHEN m.login IS NULL THEN 0 ELSE 1 END AS BIGINT) AS maintainer \
             FROM insight_lines w LEFT JOIN insight_maintainers m ON m.login = w.actor AND m.active = 1 \
             WHERE w.kind <> 'deleted' ORDER BY w.item_key, w.at, w.source",
        )
        .fetch_all(&self.store)
        .await?;
        let mut sql = Sql::new("SELECT i.item_key AS item_id, ");
        sql.push(match query.group.unwrap_or(Group::Repository) {
            Group::Repository => "i.repository",
            Group::Language => "i.language",
            Group::Category => "i.category",
        });
        sql.push(" AS key, i.labels, i.waiting_since FROM insight_items i WHERE i.tracked = 1");
        let items: Vec<ItemRow> = sql.fetch_all(&self.store).await?;
        measures_of(&items, &lines, &query, store::now())
    }

    async fn leaderboard(&self, _: &Ctx, year: i16) -> Result<Leaderboard, Fault> {
        let of_year = milliseconds(year)?;
        let mut sql = Sql::new(
            "SELECT i.item_key AS item_id, o.actor AS author, o.bot AS author_bot, \
                    CAST(CASE WHEN am.login IS NULL THEN 0 ELSE 1 END AS BIGINT) AS author_maintains, i.difficulty, v.actor AS reviewer \
             FROM insight_items i \
             JOIN insight_lines o ON o.item_key = i.item_key AND o.kind = 'opened' \
             LEFT JOIN insight_maintainers am ON am.login = o.actor AND am.active = 1 \
             LEFT JOIN (SELECT DISTINCT w.item_key, w.actor FROM insight_lines w \
                        LEFT JOIN insight_maintainers m ON m.login = w.actor AND m.active = 1 \
                        WHERE w.kind = 'review' AND w.bot = 0 AND m.login IS NULL) v \
                    ON v.item_key = i.item_key AND v.actor <> o.actor \
             WHERE i.tracked = 1 AND i.state = 'merged' AND i.closed_at >= ",
        );
        sql.bind(of_year.start).push_bind(" AND i.closed_at < ", of_year.end);
        sql.push(" ORDER BY i.item_key, v.actor");
        let rows: Vec<MergeRow> = sql.fetch_all(&self.store).await?;
        leaders_of(&rows, year)
    }

    async fn latest_year(&self, _: &Ctx) -> Result<i16, Fault> {
        let (latest,): (Option<i64>,) =
            query("SELECT max(closed_at) FROM insight_items WHERE state = 'merged'")
                .fetch_one(&self.store)
                .await?;
        Ok(year_of(latest))
    }
}
