//! How far a move is: a row in the new database, beside the rows that it is about. It outlives every mover; and to write it holds up
//! nobody who works on the old side.

use chassis::Fault;
use kit_06_own_data::cut_over::Decision;
use serde::Serialize;
use sqlx::FromRow;
use store::{Store, now, query};

use crate::fence::one_at_a_time;

/// The row, for whoever asks.
#[derive(Debug, Clone, FromRow, Serialize)]
pub struct State {
    /// Whose rows move.
    pub module: String,
    /// waiting, copying, comparing, ready, cutting, moved, returning, back, differs, kept.
    pub stage: String,
    /// Since when, epoch ms.
    pub since: i64,
    /// How many rows the backfill has copied.
    pub copied: i64,
    /// Of how many, as counted when it began.
    pub of: i64,
    /// For how long it has copied until then.
    pub copying_ms: i64,
    /// How many rows differed at the last comparison.
    pub differing: i64,
    /// For how long no side took writes the last time that they moved; none yet when absent.
    pub pause_ms: Option<i64>,
    /// Whether a person has approved the cut-over.
    #[serde(skip)]
    pub approved: i64,
    /// keep or back, when people have decided.
    #[serde(skip)]
    pub decision: Option<String>,
}

/// The row of one module in its new database.
#[derive(Debug, Clone, Copy)]
pub struct Record<'m> {
    pub(crate) store: &'m Store,
    pub(crate) module: &'static str,
}

const COLUMNS: &str =
    "module, stage, since, copied, of_rows AS \"of\", copying_ms, differing, pause_ms, approved, decision";

impl<'m> Record<'m> {
    /// That of `module`, in its new database.
    #[must_use]
    pub fn of(module: &'static str, store: &'m Store) -> Self {
        Self { store, module }
    }

    /// Makes the row, unless there is one.
    ///
    /// # Errors
    /// The database's, as for all of them.
    pub async fn prepare(self) -> Result<(), Fault> {
        let mut tx = self.store.begin_write().await?;
        one_at_a_time(self.store, &mut tx).await?;
        query(
            "CREATE TABLE IF NOT EXISTS moves (module TEXT PRIMARY KEY, stage TEXT NOT NULL, since BIGINT NOT NULL, \
             copied BIGINT NOT NULL, of_rows BIGINT NOT NULL, copying_ms BIGINT NOT NULL, differing BIGINT NOT NULL, pause_ms BIGINT, \
             approved BIGINT NOT NULL, decision TEXT)",
        )
        .execute(&mut tx)
        .await?;
        query(
            "INSERT INTO moves VALUES ($1, 'waiting', $2, 0, 0, 0, 0, NULL, 0, NULL) ON CONFLICT DO NOTHING",
        )
        .bind(self.module)
        .bind(now())
        .execute(&mut tx)
        .await?;
        Ok(tx.commit().await?)
    }

    /// The row; `None` while nothing has begun.
    ///
    /// # Errors
    /// The database's.
    pub async fn find(self) -> Result<Option<State>, Fault> {
        if !self.store.has_table("moves").await? {
            return Ok(None);
        }
        let sql = format!("SELECT {COLUMNS} FROM moves WHERE module = $1");
        Ok(store::Query::assembled(sql).bind(self.module).fetch_optional(self.store).await?)
    }

    /// The row.
    ///
    /// # Errors
    /// There is none yet.
    pub async fn read(self) -> Result<State, Fault> {
        let sql = format!("SELECT {COLUMNS} FROM moves WHERE module = $1");
        Ok(store::Query::assembled(sql).bind(self.module).fetch_one(self.store).await?)
    }

    /// A new stage; one that it is in already began when it began.
    pub(crate) async fn stage(self, stage: &'static str) -> Result<(), Fault> {
        if self.read().await?.stage == stage {
            return Ok(());
        }
        let sql = "UPDATE moves SET stage = $2, since = $3 WHERE module = $1 AND stage <> $2";
        if query(sql).bind(self.module).bind(stage).bind(now()).execute(self.store).await? == 1 {
            tracing::info!(module = self.module, stage, "a new stage");
        }
        Ok(())
    }

    /// Begins a move, unless one is under way: what was said and counted of the one before is over.
    pub(crate) async fn begin(self) -> Result<(), Fault> {
        query(
            "UPDATE moves SET copied = 0, of_rows = 0, copying_ms = 0, differing = 0, approved = 0, decision = NULL \
             WHERE module = $1 AND stage IN ('waiting', 'back', 'differs')",
        )
        .bind(self.module)
        .execute(self.store)
        .await?;
        Ok(())
    }

    /// How many rows there are to copy in all.
    pub(crate) async fn counted(self, of: i64) -> Result<(), Fault> {
        let sql = "UPDATE moves SET of_rows = $2 WHERE module = $1";
        query(sql).bind(self.module).bind(of).execute(self.store).await?;
        Ok(())
    }

    /// So many rows more are copied, and it took so long.
    pub(crate) async fn copied(self, rows: usize, milliseconds: i64) -> Result<(), Fault> {
        let sql = "UPDATE moves SET copied = copied + $2, copying_ms = copying_ms + $3 WHERE module = $1";
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        query(sql).bind(self.module).bind(rows).bind(milliseconds).execute(self.store).await?;
        Ok(())
    }

    pub(crate) async fn differing(self, rows: u64) -> Result<(), Fault> {
        let sql = "UPDATE moves SET differing = $2 WHERE module = $1";
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        query(sql).bind(self.module).bind(rows).execute(self.store).await?;
        Ok(())
    }

    pub(crate) async fn paused(self, milliseconds: i64) -> Result<(), Fault> {
        let sql = "UPDATE moves SET pause_ms = $2 WHERE module = $1";
        query(sql).bind(self.module).bind(milliseconds).execute(self.store).await?;
        tracing::info!(module = self.module, milliseconds, "writes have moved to the other side");
        Ok(())
    }

    /// A person says that the cut-over may begin.
    ///
    /// # Errors
    /// No move has begun.
    pub async fn approve(self) -> Result<(), Fault> {
        self.one_row("UPDATE moves SET approved = 1 WHERE module = $1 AND stage IN ('copying', 'comparing', 'ready', 'cutting')").await
    }

    /// Whether one has.
    pub(crate) async fn is_approved(self) -> Result<bool, Fault> {
        Ok(self.read().await?.approved == 1)
    }

    /// People have decided. To say again what has come about already is no error.
    ///
    /// # Errors
    /// They do not work on the new side.
    pub async fn decide(self, decision: Decision) -> Result<(), Fault> {
        self.one_row(match decision {
            Decision::Keep => "UPDATE moves SET decision = 'keep' WHERE module = $1 AND stage IN ('moved', 'kept')",
            Decision::Back => "UPDATE moves SET decision = 'back' WHERE module = $1 AND stage IN ('moved', 'returning', 'back')",
        })
        .await
    }

    /// What they have decided, if they have.
    pub(crate) async fn decision(self) -> Result<Option<Decision>, Fault> {
        Ok(match self.read().await?.decision.as_deref() {
            Some("keep") => Some(Decision::Keep),
            Some("back") => Some(Decision::Back),
            _ => None,
        })
    }

    async fn one_row(self, sql: &'static str) -> Result<(), Fault> {
        if query(sql).bind(self.module).execute(self.store).await? == 1 {
            return Ok(());
        }
        Err(Fault::NotFound(format!("a move of {} at a stage where that can be said", self.module)))
    }
}
