//! The messages as rows, in the order of their positions.
//!
//! A position is given under the lock of one row, which is held until the commit. So positions do commit in order, and a reader that
//! remembers the last one misses nothing: when it sees 17, there will never be a 16. An outbox cannot afford that, since every
//! change of its service would wait for every other one; here nothing happens but appending.

use std::{collections::HashSet, sync::Arc, time::Duration};

use chassis::{Fault, serve::Stop};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::migrate::Migrator;
use store::{Query, Sql, Store, query};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};
use utoipa::ToSchema;
use uuid::Uuid;

/// How often a reader looks who waits: another process may have appended something.
const POLL: Duration = Duration::from_millis(500);
/// How long the messages of one answer are together, in characters; a longer one comes by itself.
const CHARACTERS: i64 = 2_000_000;

/// The migrations of its tables.
#[must_use]
pub fn migrations() -> Migrator {
    sqlx::migrate!()
}

/// What is appended: a message as it came, and what we need of it.
#[derive(Debug)]
pub struct Message {
    /// Its own.
    pub id: String,
    /// `github.item_opened`.
    pub kind: String,
    /// The envelope.
    pub text: String,
}

/// What a reader wants.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Messages behind this position,
    pub after: i64,
    /// which was given by the feed of this id, as far as the reader knows: see [`Head::feed`].
    pub feed: Option<String>,
    /// All of these contexts.
    pub contexts: Vec<String>,
    /// These kinds.
    pub kinds: Vec<String>,
}

/// A message in its place.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Placed {
    /// From 1, growing; there may be gaps.
    pub position: i64,
    /// As it was appended.
    #[schema(value_type = Object)]
    pub message: Box<RawValue>,
}

/// Which feed this is, and how far it is.
#[derive(Debug, Clone)]
pub struct Head {
    /// Made with its tables, a UUID: one that has lost them numbers from 1 again, and is another feed.
    pub feed: String,
    /// The position of the last message.
    pub position: i64,
}

/// The feed.
#[derive(Debug, Clone)]
pub struct Log {
    store: Store,
    /// The position of the last message that this process has appended.
    head: Arc<watch::Sender<i64>>,
    stop: Stop,
}

impl Log {
    /// What is in `store`, until `stop`: then nobody waits any more.
    ///
    /// # Errors
    /// The database was not migrated.
    pub async fn new(store: Store, stop: Stop) -> Result<Self, store::Error> {
        let log = Self { store, head: Arc::new(watch::Sender::new(0)), stop };
        log.head.send_replace(log.head().await?.position);
        Ok(log)
    }

    /// The position of the last message, and the id of the feed. Asked of the database each time, since it may be another one by now.
    ///
    /// # Errors
    /// The database's.
    pub async fn head(&self) -> Result<Head, store::Error> {
        loop {
            let head = query("SELECT feed, position FROM head WHERE id = 1");
            let (feed, position): (Option<String>, i64) = head.fetch_one(&self.store).await?;
            if let Some(feed) = feed {
                return Ok(Head { feed, position });
            }
            // New. Of two processes one gives the id.
            query("UPDATE head SET feed = $1 WHERE id = 1 AND feed IS NULL")
                .bind(Uuid::now_v7().to_string())
                .execute(&self.store)
                .await?;
        }
    }

    /// The id of the feed, and where a reader is in it who is known by `wanted`: before the first message, if that is another feed.
    async fn find_reader(&self, wanted: &mut Wanted) -> Result<String, Fault> {
        let head = self.head().await?;
        if wanted.feed.as_ref().is_some_and(|feed| *feed != head.feed) {
            wanted.after = 0;
        }
        if wanted.after > head.position {
            return Err(Fault::invalid("after", "was never given here: this feed has lost messages"));
        }
        Ok(head.feed)
    }

    /// Appends those messages that are not there yet, all or none; the position of the last message since.
    ///
    /// # Errors
    /// The database's.
    pub async fn append(&self, messages: &[Message]) -> Result<i64, Fault> {
        let mut tx = self.store.begin_write().await?;
        let lock = format!("SELECT position FROM head WHERE id = 1{}", self.store.for_update());
        let (before,): (i64,) = Query::assembled(lock).fetch_one(&mut tx).await?;
        let mut known = Sql::new("SELECT id FROM messages WHERE id IN (");
        for (index, message) in messages.iter().enumerate() {
            known.push(if index == 0 { "" } else { ", " }).bind(&message.id);
        }
        known.push(")");
        let known: Vec<(String,)> = known.fetch_all(&mut tx).await?;
        let mut known: HashSet<_> = known.into_iter().map(|(id,)| id).collect();
        let mut insert =
            Sql::new("INSERT INTO messages (position, id, context, kind, message, appended_at) VALUES ");
        let (mut head, now) = (before, store::now());
        for message in messages {
            if !known.insert(message.id.clone()) {
                continue;
            }
            let context = message.kind.split('.').next().unwrap_or_default();
            insert.push(if head == before { "(" } else { ", (" });
            head += 1;
            insert.bind(head).push_bind(", ", &message.id).push_bind(", ", context);
            insert
                .push_bind(", ", &message.kind)
                .push_bind(", ", &message.text)
                .push_bind(", ", now)
                .push(")");
        }
        if head > before {
            insert.execute(&mut tx).await?;
            query("UPDATE head SET position = $1 WHERE id = 1").bind(head).execute(&mut tx).await?;
            tx.commit().await?;
            self.head.send_if_modified(|known| {
                let is_later = head > *known;
                *known = head.max(*known);
                is_later
            });
        }
        Ok(head)
    }

    /// The id of the feed and the next messages, at most `limit`; waits for the first one for as long as `wait`. For a reader of
    /// another feed, these are the first ones.
    ///
    /// # Errors
    /// [`Fault::Invalid`] for a position that was never given: these tables are an older copy, and that reader must not miss what
    /// they will have before that position. The database's.
    pub async fn read(
        &self,
        mut wanted: Wanted,
        limit: i64,
        wait: Duration,
    ) -> Result<(String, Vec<Placed>), Fault> {
        let feed = self.find_reader(&mut wanted).await?;
        let until = Instant::now() + wait;
        let mut head = self.head.subscribe();
        loop {
            head.mark_unchanged();
            let found = self.find(&wanted, limit).await?;
            if !found.is_empty() || Instant::now() >= until {
                return Ok((feed, found));
            }
            tokio::select! {
                // The sender is ours, so it cannot be gone.
                _ = timeout(POLL, head.changed()) => {}
                () = sleep_until(until) => {}
                () = self.stop.wait() => return Ok((feed, found)),
            }
        }
    }

    async fn find(&self, wanted: &Wanted, limit: i64) -> Result<Vec<Placed>, Fault> {
        let mut sql = Sql::new(
            "SELECT position, message FROM (SELECT position, message, \
                 CAST(sum(length(message)) OVER (ORDER BY position) AS BIGINT) - length(message) AS before \
             FROM (SELECT position, message FROM messages WHERE ",
        );
        wanted.is(&mut sql);
        sql.push_own(&format!(" ORDER BY position LIMIT {limit}) AS next) AS sized "));
        sql.push_own(&format!("WHERE before < {CHARACTERS} ORDER BY position"));
        let rows: Vec<(i64, String)> = sql.fetch_all(&self.store).await?;
        let placed = |(position, text)| {
            Ok(Placed { position, message: RawValue::from_string(text).map_err(Fault::internal)? })
        };
        rows.into_iter().map(placed).collect()
    }

    /// The id of the feed, and how many messages there are for a reader; all of them for one of another feed.
    ///
    /// # Errors
    /// As [`Log::read`].
    pub async fn count(&self, mut wanted: Wanted) -> Result<(String, i64), Fault> {
        let feed = self.find_reader(&mut wanted).await?;
        let mut sql = Sql::new("SELECT count(*) FROM messages WHERE ");
        wanted.is(&mut sql);
        let row: Option<(i64,)> = sql.fetch_optional(&self.store).await?;
        Ok((feed, row.map_or(0, |(count,)| count)))
    }
}

impl Wanted {
    /// The condition that a message is wanted.
    fn is(&self, sql: &mut Sql) {
        sql.push_bind("position > ", self.after).push(" AND (");
        let mut first = true;
        for (column, values) in [("context", &self.contexts), ("kind", &self.kinds)] {
            for value in values {
                sql.push(if first { "" } else { " OR " }).push(column).push_bind(" = ", value);
                first = false;
            }
        }
        sql.push(if first { "0 = 1)" } else { ")" });
    }
}
