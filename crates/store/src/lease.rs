//! Leases: a worker claims a row for a while (pattern: *competing consumers*), and whoever is killed
//! in the middle leaves a claim that ends by itself.
//!
//! The table has the columns `id TEXT`, `lease_owner TEXT` and `lease_until BIGINT` (epoch ms), both
//! of the latter NULL while nobody holds the row. The claim is one conditional UPDATE, so two workers,
//! in one process or two, never hold the same row.

use std::time::Duration;

use crate::{Error, Query, Store, Tx};

/// A claim on a row of `table`, held by `owner` for `duration` at a time.
#[derive(Debug, Clone)]
pub struct Lease {
    /// Table and condition are parts of our own SQL, never of a request.
    table: &'static str,
    id: String,
    owner: String,
    duration: Duration,
}

impl Lease {
    /// Claims the oldest row (by id: ours are ordered by time) for which the SQL `condition` holds and
    /// nobody has a lease. `None` when there is none.
    ///
    /// # Errors
    /// The database's.
    pub async fn claim(
        store: &Store,
        table: &'static str,
        condition: &'static str,
        owner: &str,
        duration: Duration,
    ) -> Result<Option<Self>, Error> {
        let now = crate::now();
        // The outer condition is tested again under the row's lock: of two workers that saw the same
        // free row, the second updates nothing.
        let sql = format!(
            "UPDATE {table} SET lease_owner = $1, lease_until = $2 \
             WHERE id = (SELECT id FROM {table} WHERE ({condition}) AND (lease_until IS NULL OR lease_until < $3) \
                         ORDER BY id LIMIT 1) \
               AND ({condition}) AND (lease_until IS NULL OR lease_until < $3) \
             RETURNING id"
        );
        let claimed: Option<(String,)> = Query::assembled(sql)
            .bind(owner)
            .bind(until(now, duration))
            .bind(now)
            .fetch_optional(store)
            .await?;
        Ok(claimed.map(|(id,)| Self { table, id, owner: owner.to_owned(), duration }))
    }

    /// The id of the row.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Holds the row for another `duration`. `false` when it is no longer ours: somebody else claimed
    /// it after we were late, and we must stop.
    ///
    /// # Errors
    /// The database's.
    pub async fn renew(&self, store: &Store) -> Result<bool, Error> {
        let sql = format!("UPDATE {} SET lease_until = $1 WHERE id = $2 AND lease_owner = $3", self.table);
        let renewed = Query::assembled(sql)
            .bind(until(crate::now(), self.duration))
            .bind(&self.id)
            .bind(&self.owner)
            .execute(store)
            .await?;
        Ok(renewed == 1)
    }

    /// Gives the row back, so that the next claim need not wait for the lease to end.
    ///
    /// # Errors
    /// The database's.
    pub async fn release(self, store: &Store) -> Result<(), Error> {
        let sql = format!(
            "UPDATE {} SET lease_owner = NULL, lease_until = NULL WHERE id = $1 AND lease_owner = $2",
            self.table
        );
        Query::assembled(sql).bind(&self.id).bind(&self.owner).execute(store).await?;
        Ok(())
    }

    /// Ends the lease in `tx`, beside what its holder writes about the row: nobody claims the row for `pause`. `false`
    /// when it is no longer ours; then what was to be written must not be.
    ///
    /// # Errors
    /// The database's.
    pub async fn end(&self, tx: &mut Tx, pause: Duration) -> Result<bool, Error> {
        let sql = format!(
            "UPDATE {} SET lease_owner = NULL, lease_until = $1 WHERE id = $2 AND lease_owner = $3",
            self.table
        );
        let ended = Query::assembled(sql)
            .bind(until(crate::now(), pause))
            .bind(&self.id)
            .bind(&self.owner)
            .execute(&mut *tx)
            .await?;
        Ok(ended == 1)
    }

    /// How long to wait between two renewals: a third, so that two may fail before the lease ends.
    #[must_use]
    pub fn heartbeat(&self) -> Duration {
        self.duration / 3
    }
}

fn until(now: i64, duration: Duration) -> i64 {
    now.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}
