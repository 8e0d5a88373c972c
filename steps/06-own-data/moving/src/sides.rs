//! A store over the two databases of a move, for the service whose rows move.
//!
//! **A read** asks the old side where people read, then reads there. Between the two the answer may become another one: then the
//! read began before the first write on the other side was answered, so it may show the rows without that write, as any read that is
//! under way at the same time as a write. A read that begins after an answered write asks after the flip, and sees it.
//!
//! **A write transaction** begins on the side that was open the last time, and looks at its fence. While both sides are closed it
//! waits: for as long as the follower needs to catch up, which is milliseconds.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use store::{Backend, Error, Store, Switch, Tx};
use tokio::time::{Instant, sleep};

use crate::fence;

/// How long a writer waits for a side that is open, as long as for SQLite's write lock.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(10);

/// Both sides.
#[derive(Debug)]
pub struct Sides {
    module: &'static str,
    old: Store,
    new: Store,
    /// Which one took the last write of this process.
    on_new: AtomicBool,
}

impl Sides {
    /// Those of `module`.
    #[must_use]
    pub fn new(module: &'static str, old: Store, new: Store) -> Self {
        Self { module, old, new, on_new: AtomicBool::new(false) }
    }

    fn side(&self, is_new: bool) -> &Store {
        if is_new { &self.new } else { &self.old }
    }
}

#[async_trait]
impl Switch for Sides {
    fn backend(&self) -> Backend {
        self.new.backend()
    }

    async fn reads(&self) -> Result<Store, Error> {
        let fence = fence::read(&self.old, self.module).await?;
        Ok(self.side(fence.reads == 0).clone())
    }

    async fn begin_write(&self) -> Result<Tx, Error> {
        let until = Instant::now() + PATIENCE;
        let last = self.on_new.load(Ordering::Relaxed);
        loop {
            for is_new in [last, !last] {
                let side = self.side(is_new);
                // Looked at without a lock first: those who wait must not keep the mover from its work.
                if fence::read(side, self.module).await?.writes == 0 {
                    continue;
                }
                if let Some(tx) = fence::enter(side, self.module).await? {
                    self.on_new.store(is_new, Ordering::Relaxed);
                    return Ok(tx);
                }
            }
            if Instant::now() >= until {
                return Err(Error::away("neither database takes writes, for five seconds now"));
            }
            sleep(LOOK).await;
        }
    }

    async fn is_there(&self) -> bool {
        self.old.is_there().await && self.new.is_there().await
    }

    async fn close(&self) {
        self.old.close().await;
        self.new.close().await;
    }
}
