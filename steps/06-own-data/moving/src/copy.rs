//! The two ends of a backfill, which exercise 06.1 puts together.
//!
//! The follower passes before a page is read, and not again before that page is written. So a row that is changed or deleted in between
//! is still noted when the page is there, and what the page brought too late is put right by the follower.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chassis::Fault;
use kit_06_own_data::{
    backfill::{PAGE, Row, Source, Target, Writing},
    cut_over::Side,
};
use store::{Tx, query};
use tokio::time::{Instant, sleep};

use crate::{Move, fence, layout::Layout};

/// A read that takes longer than this on the side where people work says that they are held up.
const SLOW: Duration = Duration::from_millis(20);
/// The longest rest.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// A table on the side where people work, up to the last row that it had when the copy began: later ones are the mirror's. Without
/// that end a copy never catches up with people who add rows faster than it reads pages.
#[derive(Debug)]
pub struct TableSource {
    of: Arc<Move>,
    layout: Layout,
    last: Option<String>,
}

/// The same table on the other side.
#[derive(Debug)]
pub struct TableTarget {
    pub(crate) of: Arc<Move>,
    pub(crate) layout: Layout,
}

#[async_trait]
impl Source for TableSource {
    async fn page(&self, after: Option<&str>, limit: u32) -> Result<Vec<Row>, Fault> {
        if limit > PAGE {
            return Err(Fault::invalid("limit", format!("must be at most {PAGE}")));
        }
        self.of.follow_closely().await?;
        self.rest().await?;
        let Some(last) = &self.last else { return Ok(Vec::new()) };
        let rows = self.layout.page(&self.of.old, after, Some(last), limit).await?;
        self.of.points.at("a page is read").await;
        Ok(rows)
    }
}

impl TableSource {
    /// The rows that are there now.
    pub(crate) async fn until_now(of: Arc<Move>, layout: Layout) -> Result<Self, Fault> {
        let last = layout.last(&of.old).await?;
        Ok(Self { of, layout, last })
    }

    /// Slows down by itself: reads a single row on the side where people work, as they do. When that takes long, rests ten times as
    /// long before the next page.
    async fn rest(&self) -> Result<(), Fault> {
        let start = Instant::now();
        fence::read(&self.of.old, self.of.plan.module).await?;
        let took = start.elapsed();
        if took > SLOW {
            sleep((took * 10).min(LONGEST_REST)).await;
        }
        Ok(())
    }
}

#[async_trait]
impl Target for TableTarget {
    async fn checkpoint(&self) -> Result<Option<String>, Fault> {
        let sql = "SELECT last_id FROM move_checkpoints WHERE module = $1 AND table_name = $2";
        let asked = query(sql).bind(self.of.plan.module).bind(self.layout.table.name);
        let found: Option<(String,)> = asked.fetch_optional(&self.of.new).await?;
        Ok(found.map(|(id,)| id))
    }

    async fn begin(&self) -> Result<Box<dyn Writing>, Fault> {
        let tx = self.of.hand(Side::New).begin().await?;
        Ok(Box::new(Page {
            of: self.of.clone(),
            layout: self.layout.clone(),
            tx,
            began: Instant::now(),
            rows: 0,
        }))
    }
}

/// A page that is being written.
struct Page {
    of: Arc<Move>,
    layout: Layout,
    tx: Tx,
    began: Instant,
    rows: usize,
}

impl Page {
    async fn write(&mut self, rows: &[Row], only_newer: bool) -> Result<u64, Fault> {
        let rows = self.of.with_parents(&mut self.tx, &self.layout, rows).await?;
        self.rows += rows.len();
        let changed = self.layout.upsert(&mut self.tx, &rows, only_newer).await?;
        self.of.points.at("a page is written, not committed").await;
        Ok(changed)
    }
}

#[async_trait]
impl Writing for Page {
    async fn upsert_if_newer(&mut self, rows: &[Row]) -> Result<u64, Fault> {
        self.write(rows, true).await
    }

    async fn upsert(&mut self, rows: &[Row]) -> Result<u64, Fault> {
        self.write(rows, false).await
    }

    async fn set_checkpoint(&mut self, id: &str) -> Result<(), Fault> {
        query(
            "INSERT INTO move_checkpoints (module, table_name, last_id) VALUES ($1, $2, $3) \
             ON CONFLICT (module, table_name) DO UPDATE SET last_id = excluded.last_id",
        )
        .bind(self.of.plan.module)
        .bind(self.layout.table.name)
        .bind(id)
        .execute(&mut self.tx)
        .await?;
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<(), Fault> {
        let Self { of, tx, began, rows, .. } = *self;
        of.hand(Side::New).commit(tx).await?;
        of.points.at("a page is committed").await;
        let milliseconds = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        of.state().copied(rows, milliseconds).await
    }
}
