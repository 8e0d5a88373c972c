//! The operations of a cut-over, over two real databases. In which order they are called is exercise 06.2.

use std::{ops::Deref, sync::Arc};

use async_trait::async_trait;
use chassis::Fault;
use kit_06_own_data::cut_over::{Decision, Operations, Side};
use store::{Query, query};

use crate::{
    Move,
    copy::{TableSource, TableTarget},
    layout::Layout,
    mirror,
    moving::other,
};

/// Those of one move.
#[derive(Debug, Clone)]
pub struct Cutting(pub Arc<Move>);

impl Deref for Cutting {
    type Target = Move;

    fn deref(&self) -> &Move {
        &self.0
    }
}

#[async_trait]
impl Operations for Cutting {
    async fn writes(&self) -> Result<Side, Fault> {
        self.latest().await
    }

    async fn mirror(&self) -> Result<(), Fault> {
        for store in [&self.old, &self.new] {
            for layout in &self.layouts {
                if Layout::read(store, layout.table).await?.is_some() {
                    mirror::install(store, &self.plan, layout).await?;
                    self.points.at("a mirror is installed on a table").await;
                }
            }
        }
        self.points.at("both mirrors are installed").await;
        Ok(())
    }

    async fn backfill(&self) -> Result<(), Fault> {
        self.stage("copying").await?;
        self.count().await?;
        self.points.at("rows to copy are counted").await;
        for layout in &self.layouts {
            let source = TableSource::until_now(self.0.clone(), layout.clone()).await?;
            let target = TableTarget { of: self.0.clone(), layout: layout.clone() };
            (self.settings.backfill)(&source, &target).await?;
        }
        self.points.at("everything is copied").await;
        Ok(())
    }

    async fn compare(&self) -> Result<u64, Fault> {
        let (old, new) = self.fences().await?;
        let behind_a_fence = old.writes + new.writes == 0;
        let differing = if behind_a_fence {
            while self.follow().await? > 0 {}
            self.compare_sums().await?
        } else {
            self.stage("comparing").await?;
            self.compare_rows().await?
        };
        let point =
            if behind_a_fence { "counts and versions are compared" } else { "everything is compared" };
        self.points.at(point).await;
        self.state().differing(differing).await?;
        Ok(differing)
    }

    async fn fence(&self) -> Result<(), Fault> {
        let from = self.latest().await?;
        if from == Side::Old && !self.settings.at_once {
            while !self.state().is_approved().await? {
                self.attend("ready").await?;
            }
            self.points.at("a person has approved").await;
        }
        if from == Side::Old {
            self.can_be_counted().await?;
        }
        self.stage(if from == Side::Old { "cutting" } else { "returning" }).await?;
        // As near to the head as it gets while people write: what is left makes them wait.
        self.follow_closely().await?;
        let (old, new) = self.fences().await?;
        if old.writes + new.writes > 0 {
            *self.closed() = Some(from);
            self.hand(from).close().await?;
            self.points.at("the side is closed").await;
        }
        while self.follow().await? > 0 {}
        self.points.at("the follower is at the head").await;
        Ok(())
    }

    async fn read_from(&self, side: Side) -> Result<(), Fault> {
        let from = self.latest().await?;
        if from != side
            && let Some(derive) = self.plan.derive
        {
            let hand = self.hand(side);
            let mut tx = hand.begin().await?;
            derive(self.side(from), &mut tx).await?;
            hand.commit(tx).await?;
            self.points.at("what is derived is made").await;
        }
        self.hand(Side::Old).set_reads(side == Side::Old).await?;
        self.points.at("reads have moved").await;
        Ok(())
    }

    async fn write_to(&self, side: Side) -> Result<(), Fault> {
        let (old, new) = self.fences().await?;
        let (this, that) = if side == Side::Old { (old, new) } else { (new, old) };
        if this.writes == 1 {
            return Ok(());
        }
        // Whoever has not fenced before has lost what the follower did not see. Never two sides at once, all the same.
        if that.writes == 1 {
            self.hand(other(side)).close().await?;
        }
        let is_back = this.opened > that.opened;
        // Whether that works or not, somebody may write there from now on.
        *self.closed() = None;
        self.hand(side).open(if is_back { this.opened } else { that.opened + 1 }).await?;
        let closed_at = if is_back { this.closed_at } else { that.closed_at };
        self.state().paused(store::now() - closed_at).await?;
        self.points.at("writes have moved").await;
        Ok(())
    }

    async fn soak(&self) -> Result<Decision, Fault> {
        loop {
            if let Some(decision) = self.state().decision().await? {
                return Ok(decision);
            }
            self.attend("moved").await?;
        }
    }

    async fn drop_old(&self) -> Result<(), Fault> {
        if self.state().decision().await? != Some(Decision::Keep) || self.latest().await? != Side::New {
            return Err(Fault::internal(
                "nothing is dropped before people have decided to keep the new side",
            ));
        }
        let tables = self.plan.tables.iter().rev().map(|table| table.name);
        for table in tables.chain(self.plan.dropped_too.iter().copied()) {
            // With its triggers.
            Query::assembled(format!("DROP TABLE IF EXISTS {table}")).execute(&self.old).await?;
            self.points.at("a table is dropped").await;
        }
        mirror::remove(&self.old, &self.plan).await?;
        mirror::remove(&self.new, &self.plan).await?;
        query("DELETE FROM move_checkpoints WHERE module = $1")
            .bind(self.plan.module)
            .execute(&self.new)
            .await?;
        Ok(())
    }
}
