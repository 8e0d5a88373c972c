//! A process that kills itself between two writes, for tests: at the point that is named in the file `CRASH_FILE`, which it removes then, so
//! that it dies once. Without `CRASH_FILE` in the environment nothing is put in between.
//!
//! The points lie around everything that a service does with a message, so that each pair of writes has one in between:
//!
//! ```text
//! outbox.before      in the transaction of the change, before the message is a row
//! outbox.after       in the same transaction, before the commit
//! outbox.committed   after the commit, before the relay knows
//! publish.before     the relay has leased the rows, the feed has nothing
//! publish.after      the feed has them, the rows are not marked
//! read.after         a consumer has messages in its hands
//! apply.before       in the transaction, the message in the inbox
//! apply.after        in the transaction, the effect beside it
//! applied            after the commit, before anything is acknowledged
//! done.after         after that
//! ```

use std::{env, fs, path::PathBuf, process, sync::Arc};

use async_trait::async_trait;
use step_02_contracts::{Ctx, Fault, Recorded};
use step_07_messaging::{Consumer, Delivered, Feed, Poison, Read, Reader};
use store::{Recorder, Tx};

/// Where a process can be killed.
pub const POINTS: [&str; 10] = [
    "outbox.before",
    "outbox.after",
    "outbox.committed",
    "publish.before",
    "publish.after",
    "read.after",
    "apply.before",
    "apply.after",
    "applied",
    "done.after",
];

/// Where the point stands at which this process is to die, while it is to.
#[derive(Debug)]
struct Crash(PathBuf);

impl Crash {
    /// What the environment says.
    fn wanted() -> Option<Arc<Self>> {
        Some(Arc::new(Self(env::var_os("CRASH_FILE")?.into())))
    }

    /// Dies, if this is the place.
    fn point(&self, name: &str) {
        let is_here = fs::read_to_string(&self.0).is_ok_and(|at| at.trim() == name);
        // Whoever removes the file dies, and nobody else does.
        if is_here && fs::remove_file(&self.0).is_ok() {
            tracing::error!(at = name, "killed, as CRASH_FILE wants it");
            // Nothing is flushed, dropped or rolled back: as SIGKILL from outside.
            process::abort();
        }
    }
}

/// `recorder`, as the environment wants it.
pub(crate) fn recorder(recorder: Arc<dyn Recorder>) -> Arc<dyn Recorder> {
    match Crash::wanted() {
        Some(crash) => Arc::new(Recording { recorder, crash }),
        None => recorder,
    }
}

/// `feed`, as the environment wants it.
pub(crate) fn feed(feed: Arc<dyn Feed>) -> Arc<dyn Feed> {
    match Crash::wanted() {
        Some(crash) => Arc::new(Feeding { feed, crash }),
        None => feed,
    }
}

/// `consumer`, as the environment wants it.
pub(crate) fn consumer(consumer: Arc<dyn Consumer>) -> Arc<dyn Consumer> {
    match Crash::wanted() {
        Some(crash) => Arc::new(Consuming { consumer, crash }),
        None => consumer,
    }
}

#[derive(Debug)]
struct Recording {
    recorder: Arc<dyn Recorder>,
    crash: Arc<Crash>,
}

#[async_trait]
impl Recorder for Recording {
    async fn before_commit(&self, tx: &mut Tx, events: &[Recorded]) -> Result<(), store::Error> {
        self.crash.point("outbox.before");
        self.recorder.before_commit(tx, events).await?;
        self.crash.point("outbox.after");
        Ok(())
    }

    fn committed(&self, events: Vec<Recorded>) {
        self.crash.point("outbox.committed");
        self.recorder.committed(events);
    }
}

#[derive(Debug)]
struct Feeding {
    feed: Arc<dyn Feed>,
    crash: Arc<Crash>,
}

#[async_trait]
impl Feed for Feeding {
    async fn publish(&self, ctx: &Ctx, messages: &[Recorded]) -> Result<(), Fault> {
        self.crash.point("publish.before");
        self.feed.publish(ctx, messages).await?;
        self.crash.point("publish.after");
        Ok(())
    }

    async fn read(&self, ctx: &Ctx, reader: &Reader, limit: usize) -> Result<Read, Fault> {
        let read = self.feed.read(ctx, reader, limit).await?;
        if !read.messages.is_empty() {
            self.crash.point("read.after");
        }
        Ok(read)
    }

    async fn done(&self, ctx: &Ctx, delivered: &Delivered) -> Result<(), Fault> {
        self.feed.done(ctx, delivered).await?;
        self.crash.point("done.after");
        Ok(())
    }

    async fn behind(&self, ctx: &Ctx, reader: &Reader) -> Result<i64, Fault> {
        self.feed.behind(ctx, reader).await
    }
}

struct Consuming {
    consumer: Arc<dyn Consumer>,
    crash: Arc<Crash>,
}

#[async_trait]
impl Consumer for Consuming {
    fn name(&self) -> &'static str {
        self.consumer.name()
    }

    fn wants(&self) -> &'static [&'static str] {
        self.consumer.wants()
    }

    fn poison(&self) -> Poison {
        self.consumer.poison()
    }

    async fn apply(&self, tx: &mut Tx, message: &Recorded) -> Result<(), Fault> {
        self.crash.point("apply.before");
        self.consumer.apply(tx, message).await?;
        self.crash.point("apply.after");
        Ok(())
    }

    fn applied(&self) {
        self.crash.point("applied");
        self.consumer.applied();
    }
}
