//! Leases: a worker claims a row for a while (pattern: *competing consumers*), and whoever is killed
//! in the middle leaves a claim that ends by itself.
//!
//! The table has the columns `id TEXT`, `lease_owner TEXT` and `lease_until BIGINT` (epoch ms), both
//! of the latter NULL while nobody holds the row. The claim is one conditional UPDATE, so two workers,
//! in one process or two, never hold the same row.
//!
//! Times are those of the database's clock, which all processes share. It may be set all the same:
//!
//! - Forward: a lease seems to be over while its holder works. A [`Queue`](crate::queue::Queue) never claims what it has under way
//!   itself. Another process does; its holder learns that at [`Lease::end`], when what it did cannot be taken back. A pause ends early.
//! - Back: a lease that ends later than any holder can have asked for is over: whoever was killed keeps a row for twice the duration
//!   at most. A row that was put off waits as much longer as the clock was set back, and an hour at most.

use std::time::Duration;

use chassis::serve::Stop;
use tokio::time::sleep;

use crate::{Backend, Error, Query, Store, Tx};

/// The pauses before a holder tries again to write down what it did: doubled each time, up to the longest.
const NOTE_AGAIN: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(2)];
/// How long it still tries when the process is to stop.
const LAST_NOTE: Duration = Duration::from_secs(2);

/// The longest pause before a row may be claimed again.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

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
        Self::claim_another(store, table, condition, owner, duration, &[]).await
    }

    /// The same for whoever has the rows `under_way` already, whatever their leases say by now.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn claim_another(
        store: &Store,
        table: &'static str,
        condition: &'static str,
        owner: &str,
        duration: Duration,
        under_way: &[String],
    ) -> Result<Option<Self>, Error> {
        let now = now(store.backend());
        let others: Vec<_> = (5..).take(under_way.len()).map(|number| format!("${number}")).collect();
        let others =
            if others.is_empty() { String::new() } else { format!("AND id NOT IN ({})", others.join(", ")) };
        let free = format!(
            "({condition}) {others} AND (lease_until IS NULL OR lease_until < {now} \
             OR lease_until > {now} + CASE WHEN lease_owner IS NULL THEN $3 ELSE $4 END)"
        );
        // The outer condition is tested again under the row's lock: of two workers that saw the same
        // free row, the second updates nothing.
        let sql = format!(
            "UPDATE {table} SET lease_owner = $1, lease_until = {now} + $2 \
             WHERE id = (SELECT id FROM {table} WHERE {free} ORDER BY id LIMIT 1) AND {free} \
             RETURNING id"
        );
        let claim = Query::assembled(sql)
            .bind(owner)
            .bind(milliseconds(duration))
            .bind(milliseconds(LONGEST_PAUSE))
            .bind(milliseconds(duration * 2));
        let claim = under_way.iter().fold(claim, Query::bind);
        let claimed: Option<(String,)> = claim.fetch_written(store).await?;
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
        let sql = format!(
            "UPDATE {} SET lease_until = {} + $1 WHERE id = $2 AND lease_owner = $3",
            self.table,
            now(store.backend())
        );
        let renewed = Query::assembled(sql)
            .bind(milliseconds(self.duration))
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

    /// Ends the lease in `tx`, beside what its holder writes about the row: nobody claims the row for `pause`,
    /// which is an hour at most. `false` when it is no longer ours; then what was to be written must not be.
    ///
    /// # Errors
    /// The database's.
    pub async fn end(&self, tx: &mut Tx, pause: Duration) -> Result<bool, Error> {
        let sql = format!(
            "UPDATE {} SET lease_owner = NULL, lease_until = {} + $1 WHERE id = $2 AND lease_owner = $3",
            self.table,
            now(tx.backend())
        );
        let ended = Query::assembled(sql)
            .bind(milliseconds(pause.min(LONGEST_PAUSE)))
            .bind(&self.id)
            .bind(&self.owner)
            .execute(&mut *tx)
            .await?;
        Ok(ended == 1)
    }

    /// Writes down by `note` what was done and cannot be taken back, as often as it takes until that works; `None` when the process
    /// stops before. Meanwhile a [`Queue`](crate::queue::Queue) does not claim the row again, nor another one in its place: while
    /// nothing can be written, on a full disk say, no more is done than what was under way.
    pub async fn noted<T, E: std::error::Error, N: Future<Output = Result<T, E>>>(
        &self,
        stop: &Stop,
        note: impl Fn() -> N,
    ) -> Option<T> {
        let [mut pause, longest] = NOTE_AGAIN;
        let noted = async {
            loop {
                match note().await {
                    Ok(noted) => return noted,
                    Err(error) => {
                        tracing::warn!(table = self.table, row = self.id, %error, "cannot write down what was done yet");
                    }
                }
                sleep(pause).await;
                pause = (pause * 2).min(longest);
            }
        };
        let last = async {
            stop.wait().await;
            sleep(LAST_NOTE).await;
        };
        tokio::select! {
            noted = noted => Some(noted),
            () = last => None,
        }
    }

    /// How long to wait between two renewals: a third, so that two may fail before the lease ends.
    #[must_use]
    pub fn heartbeat(&self) -> Duration {
        self.duration / 3
    }
}

/// This moment by the database's clock, epoch ms: a part of a statement.
#[must_use]
pub fn now(backend: Backend) -> &'static str {
    match backend {
        Backend::Sqlite => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
        Backend::Postgres => "CAST(extract(epoch FROM statement_timestamp()) * 1000 AS BIGINT)",
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
