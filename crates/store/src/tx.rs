//! Write transactions, and the events that go with them.

use std::{fmt::Debug, mem, sync::Arc};

use async_trait::async_trait;
use chassis::{
    Fault,
    event::{Event, Recorded},
};
use sqlx::{Executor, Postgres, Sqlite, pool::PoolConnection};
use tokio::runtime::Handle;
use tracing::Instrument;

use crate::{
    Backend, Error, Store,
    condition::Condition,
    pool::{Opened, Over, Pool},
};

/// What becomes of the events that a transaction records.
#[async_trait]
pub trait Recorder: Debug + Send + Sync {
    /// Within the transaction, just before it commits: where events are rows, they are written here.
    ///
    /// # Errors
    /// The database's; then the transaction never happened.
    async fn before_commit(&self, _: &mut Tx, _: &[Recorded]) -> Result<(), Error> {
        Ok(())
    }

    /// The transaction has happened. A process that dies before this call has committed and told nobody.
    fn committed(&self, events: Vec<Recorded>);
}

/// A write transaction. Dropped without [`Tx::commit`], it never happened. Never call another module, or the network, while
/// one is open.
#[derive(Debug)]
pub struct Tx {
    /// `None` when the transaction has ended.
    connection: Option<Connection>,
    condition: Arc<Condition>,
    events: Vec<Recorded>,
    recorder: Option<Arc<dyn Recorder>>,
}

/// The connection that a transaction has to itself.
#[derive(Debug)]
pub(crate) enum Connection {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

impl Store {
    /// Begins a transaction that will write.
    ///
    /// On SQLite it takes the write lock at once (`BEGIN IMMEDIATE`) and waits for it: a transaction that reads first and then
    /// wants to write would fail when another has written in between. On PostgreSQL a row that is read to be changed wants
    /// [`Store::for_update`].
    ///
    /// # Errors
    /// No connection, or the write lock is not free for five seconds; the file of the database is gone. Of several databases none
    /// takes writes.
    pub async fn begin_write(&self) -> Result<Tx, Error> {
        let mut tx = match &self.over {
            Over::One(database) => database.begin_write().await?,
            Over::Switched(switch) => switch.begin_write().await?,
        };
        tx.recorder.clone_from(&self.recorder);
        Ok(tx)
    }
}

impl Opened {
    async fn begin_write(&self) -> Result<Tx, Error> {
        self.condition.is_in_place()?;
        let acquired = match &self.pool {
            Pool::Sqlite(pool) => pool.acquire().await.map(Connection::Sqlite),
            Pool::Postgres(pool) => pool.acquire().await.map(Connection::Postgres),
        };
        let connection = match acquired {
            Ok(connection) => connection,
            Err(error) => return Err(self.explained(error).await),
        };
        // Made before it begins: whoever hangs up in the middle drops it, and that ends the transaction, begun or not.
        let mut tx = Tx {
            connection: Some(connection),
            condition: Arc::clone(&self.condition),
            events: Vec::new(),
            recorder: None,
        };
        tx.say(match self.backend() {
            Backend::Sqlite => "BEGIN IMMEDIATE",
            Backend::Postgres => "BEGIN",
        })
        .await?;
        Ok(tx)
    }
}

impl Tx {
    /// Makes the changes last, and has the recorder tell of them. Both happen, or neither, whether or not the caller waits for it.
    ///
    /// # Errors
    /// The connection broke: the changes may or may not last. The file of the database is gone, and with it what was written, unless
    /// it comes back.
    pub async fn commit(self) -> Result<(), Error> {
        // In a task of its own, which goes on when the caller has gone: a client that hangs up must not come between the commit
        // and those who have to hear of it.
        let ended = tokio::spawn(self.end().in_current_span());
        ended.await.unwrap_or_else(|_| Err(Error::broken_off()))
    }

    async fn end(mut self) -> Result<(), Error> {
        let events = mem::take(&mut self.events);
        let recorder = self.recorder.take().filter(|_| !events.is_empty());
        if let Some(recorder) = &recorder {
            recorder.before_commit(&mut self, &events).await?;
        }
        self.say("COMMIT").await?;
        self.connection = None;
        if let Some(recorder) = recorder {
            recorder.committed(events);
        }
        self.condition.is_in_place()
    }

    /// Records that `event` happens with this transaction, and only with it. Nobody hears of it where the store has no
    /// recorder.
    ///
    /// # Errors
    /// [`Fault::Internal`] when it has no JSON form.
    pub fn record(&mut self, event: &impl Event) -> Result<(), Fault> {
        self.carry(Recorded::now(event)?);
        Ok(())
    }

    /// The same for what stands in its envelope already.
    pub fn carry(&mut self, recorded: Recorded) {
        self.events.push(recorded);
    }

    /// Which database it is in.
    pub(crate) fn backend(&mut self) -> Backend {
        match self.connection() {
            Connection::Sqlite(_) => Backend::Sqlite,
            Connection::Postgres(_) => Backend::Postgres,
        }
    }

    /// The error, after what it says about the database was noted.
    pub(crate) fn notice(&self, error: sqlx::Error) -> Error {
        self.condition.notice(error)
    }

    /// Runs a statement that has no values.
    async fn say(&mut self, statement: &'static str) -> Result<(), Error> {
        let said = self.connection().say(statement).await;
        said.map_err(|error| self.condition.notice(error))
    }

    #[expect(
        clippy::expect_used,
        reason = "it is taken only where the transaction ends, and nobody has that one any more"
    )]
    pub(crate) fn connection(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("a transaction that has not ended")
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(connection.roll_back())),
            Err(_) => drop(connection),
        }
    }
}

impl Connection {
    /// Runs a statement that has no values.
    async fn say(&mut self, statement: &'static str) -> Result<(), Error> {
        match self {
            Self::Sqlite(connection) => connection.execute(statement).await.map(drop)?,
            Self::Postgres(connection) => connection.execute(statement).await.map(drop)?,
        }
        Ok(())
    }

    /// Ends the transaction, and gives the connection back. One that does not know of a transaction any more is closed: after a
    /// full disk, say, the database has ended it by itself, and nobody knows what else is gone.
    async fn roll_back(mut self) {
        if let Err(error) = self.say("ROLLBACK").await {
            tracing::warn!(%error, "a connection is closed, because its transaction could not be rolled back");
            let _ = match self {
                Self::Sqlite(connection) => connection.close().await,
                Self::Postgres(connection) => connection.close().await,
            };
        }
    }
}
