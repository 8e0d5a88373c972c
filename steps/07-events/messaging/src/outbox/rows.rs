//! The tables of the outbox.
//!
//! Order comes from the counter of each subject (`outbox_subjects.last`): whoever writes a message about a subject holds that row
//! until the commit, so the numbers of one subject commit in order. Ids do not: an older one may commit later.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use chassis::{Fault, event::Recorded};
use kit_07_events::outbox::{Lease, Outbox};
use store::{Backend, Error, Query, Sql, Store, Tx, lease, query};
use uuid::Uuid;

/// How long a relay has subjects to itself.
const LEASE: Duration = Duration::from_secs(5);
/// For how long subjects are put off whose messages could not be published.
const PUT_OFF: Duration = Duration::from_millis(500);
/// How many subjects are leased at once, how many messages are read at once, and how long they are together, in characters; a longer
/// one comes by itself.
const SUBJECTS: i64 = 32;
const MESSAGES: i64 = 100;
const CHARACTERS: i64 = 1_000_000;
/// The longest message, in bytes: what every carrier takes. A NATS server takes a megabyte, headers included, unless told.
const LONGEST: usize = 900_000;
/// How many rows one statement inserts.
const ROWS: usize = 100;

/// An error of the transaction that is none of the database's.
pub(crate) fn refused(why: &str) -> Error {
    Error::from(sqlx::Error::Encode(why.into()))
}

/// Inserts messages with the transaction.
pub(crate) async fn insert(tx: &mut Tx, messages: &[Recorded]) -> Result<(), Error> {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for message in messages {
        *counts.entry(&message.subject).or_default() += 1;
    }
    let now = store::now();
    let mut next = BTreeMap::new();
    // Everybody locks subjects in this order: two transactions never wait for each other.
    for (subject, count) in counts {
        let (last,): (i64,) = query(
            "INSERT INTO outbox_subjects (subject, last, since, alone) VALUES ($1, $2, $3, 0) \
             ON CONFLICT (subject) DO UPDATE SET last = outbox_subjects.last + excluded.last RETURNING last",
        )
        .bind(subject)
        .bind(count)
        .bind(now)
        .fetch_one(&mut *tx)
        .await?;
        next.insert(subject, last - count + 1);
    }
    for chunk in messages.chunks(ROWS) {
        let mut insert = Sql::new("INSERT INTO outbox (id, subject, seq, message, recorded_at) VALUES ");
        for (index, message) in chunk.iter().enumerate() {
            let text = serde_json::to_string(message).map_err(|error| refused(&error.to_string()))?;
            if text.len() > LONGEST {
                return Err(refused("a message is longer than 900,000 bytes"));
            }
            let seq = next.get_mut(&*message.subject).map_or(0, |next| {
                *next += 1;
                *next - 1
            });
            insert.push(if index == 0 { "(" } else { ", (" }).bind(message.id.to_string());
            insert.push_bind(", ", &message.subject).push_bind(", ", seq).push_bind(", ", text);
            insert.push_bind(", ", now).push(")");
        }
        insert.execute(&mut *tx).await?;
    }
    Ok(())
}

/// The rows that have committed, as a relay has them.
#[derive(Debug, Clone)]
pub(crate) struct Rows(pub(crate) Store);

impl Rows {
    /// Leases free subjects: the one that has been refused longest ago, or as many others as are taken at once.
    async fn claim(&self, alone: i64, most: i64) -> Result<Option<Lease>, Error> {
        // A subject that somebody is just writing about is locked, and comes next time: to skip a subject changes no order.
        let skip = if self.0.backend() == Backend::Postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
        let (free, until) = (self.is_free(), self.later(LEASE));
        let sql = format!(
            "WITH free AS MATERIALIZED (SELECT subject FROM outbox_subjects WHERE alone = $1 AND {free} \
                 ORDER BY since LIMIT {most} {skip}) \
             UPDATE outbox_subjects SET lease_owner = $2, lease_until = {until} \
             WHERE subject IN (SELECT subject FROM free) RETURNING subject"
        );
        let owner = Uuid::now_v7();
        let claim = Query::assembled(sql).bind(alone).bind(owner.to_string());
        let claimed: Vec<(String,)> = claim.fetch_all(&self.0).await?;
        let subjects: Vec<_> = claimed.into_iter().map(|(subject,)| subject).collect();
        Ok((!subjects.is_empty()).then_some(Lease { owner, subjects }))
    }

    /// Whether there is anything to lease. A claim is a write, for which SQLite has one place; most of the time there is nothing.
    async fn is_something_free(&self) -> Result<bool, Error> {
        let sql = format!("SELECT subject FROM outbox_subjects WHERE {} LIMIT 1", self.is_free());
        let row: Option<(String,)> = Query::assembled(sql).fetch_optional(&self.0).await?;
        Ok(row.is_some())
    }

    /// The condition that nobody has a subject: one that ends later than any lease can is of a clock that was set back.
    fn is_free(&self) -> String {
        let (now, latest) = (lease::now(self.0.backend()), self.later(LEASE * 2));
        format!("(lease_until IS NULL OR lease_until < {now} OR lease_until > {latest})")
    }

    /// A moment by the database's clock.
    fn later(&self, duration: Duration) -> String {
        format!("({} + {})", lease::now(self.0.backend()), duration.as_millis())
    }

    /// How many messages are not published yet.
    pub(crate) async fn count(&self) -> Result<i64, Error> {
        self.0.count("SELECT count(*) FROM outbox").await
    }
}

#[async_trait]
impl Outbox for Rows {
    async fn lease(&self) -> Result<Option<Lease>, Fault> {
        if !self.is_something_free().await? {
            return Ok(None);
        }
        match self.claim(1, 1).await? {
            Some(lease) => Ok(Some(lease)),
            None => Ok(self.claim(0, SUBJECTS).await?),
        }
    }

    async fn leased(&self, lease: &Lease) -> Result<Vec<Recorded>, Fault> {
        let mut sql = Sql::new(
            "SELECT message FROM (SELECT subject, seq, message, \
                 CAST(sum(length(message)) OVER (ORDER BY subject, seq) AS BIGINT) - length(message) AS before \
             FROM (SELECT subject, seq, message FROM outbox WHERE subject IN (",
        );
        for (index, subject) in lease.subjects.iter().enumerate() {
            sql.push(if index == 0 { "" } else { ", " }).bind(subject);
        }
        sql.push_own(&format!(") ORDER BY subject, seq LIMIT {MESSAGES}) AS first) AS sized "));
        sql.push_own(&format!("WHERE before < {CHARACTERS} ORDER BY subject, seq"));
        read(&sql.fetch_all(&self.0).await?)
    }

    async fn waiting(&self) -> Result<Vec<Recorded>, Fault> {
        let sql = format!("SELECT message FROM outbox ORDER BY id LIMIT {MESSAGES}");
        read(&Query::assembled(sql).fetch_all(&self.0).await?)
    }

    async fn mark(&self, published: &[Uuid]) -> Result<(), Fault> {
        for chunk in published.chunks(ROWS) {
            let mut sql = Sql::new("DELETE FROM outbox WHERE id IN (");
            for (index, id) in chunk.iter().enumerate() {
                sql.push(if index == 0 { "" } else { ", " }).bind(id.to_string());
            }
            sql.push(")");
            sql.execute(&self.0).await?;
        }
        Ok(())
    }

    async fn release(&self, lease: Lease, published: &Result<(), Fault>) -> Result<(), Fault> {
        let owner = lease.owner.to_string();
        let mut tx = self.0.begin_write().await?;
        // Locked first, in everybody's order: then nobody adds a message to a subject that is found to have none.
        let lock = format!(
            "SELECT subject FROM outbox_subjects WHERE lease_owner = $1 ORDER BY subject{}",
            self.0.for_update()
        );
        let _: Vec<(String,)> = Query::assembled(lock).bind(&owner).fetch_all(&mut tx).await?;
        query(
            "DELETE FROM outbox_subjects WHERE lease_owner = $1 \
             AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.subject = outbox_subjects.subject)",
        )
        .bind(&owner)
        .execute(&mut tx)
        .await?;
        let not_before = self.later(PUT_OFF);
        let (until, alone) = match published {
            Ok(()) => ("NULL", "0"),
            Err(Fault::Unavailable(_) | Fault::DeadlineExceeded) => (not_before.as_str(), "alone"),
            // Whatever it was, it is one subject's.
            Err(_) => (not_before.as_str(), "1"),
        };
        let back = format!(
            "UPDATE outbox_subjects SET lease_owner = NULL, lease_until = {until}, alone = {alone}, since = $2 \
             WHERE lease_owner = $1"
        );
        Query::assembled(back).bind(&owner).bind(store::now()).execute(&mut tx).await?;
        Ok(tx.commit().await?)
    }
}

fn read(rows: &[(String,)]) -> Result<Vec<Recorded>, Fault> {
    rows.iter().map(|(message,)| serde_json::from_str(message).map_err(Fault::internal)).collect()
}
