//! Hands messages of the feed to a consumer, one after the other, and goes on for ever.

mod step;

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chassis::{Ctx, Fault, background::Background, event::Recorded, serve::Stop};
use futures::FutureExt;
use store::{Query, Store, Tx, query};
use tokio::time::{sleep, timeout};

use self::step::{Batch, Step};
use crate::{
    away::Away,
    consumer::{Consumer, Poison},
    feed::{Delivered, Feed, Place, Reader},
    parked,
    pieces::inbox as piece,
};

/// How often a message may fail, when that is the message's fault, before it is parked.
const TRIES: i64 = 5;
/// The pauses before it is tried again: doubled each time, up to the longest.
const AGAIN: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];
/// How long the effect of one message may take: less than a statement may at PostgreSQL, whose end would say that the database is away.
const APPLY: Duration = Duration::from_secs(8);
/// How many messages are in memory at most, and how many of them commit together when all goes well.
const AT_ONCE: usize = 100;
const TOGETHER: usize = 25;
/// How long the feed may keep us waiting for a message. In between, parked messages are looked at.
const WAIT: Duration = Duration::from_secs(1);
/// How long the feed may take beyond that, and to hear that a message was taken.
const ASK: Duration = Duration::from_secs(5);
const TELL: Duration = Duration::from_secs(1);
/// For how long the inbox knows a message again. A message is handed over again when something failed between its publication and the
/// end of its delivery: within minutes, and at the most when whoever was away for a long weekend is back.
const KNOWN: Duration = Duration::from_hours(30 * 24);
/// How often it forgets older ones.
const FORGET: Duration = Duration::from_hours(1);

/// A consumer with its place in the feed.
#[derive(Clone)]
pub struct Subscription(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) feed: Arc<dyn Feed>,
    pub(crate) consumer: Arc<dyn Consumer>,
    /// The feed of which the log says that it is another one.
    told_of: Mutex<Option<Arc<str>>>,
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Subscription").field(&self.0.consumer.name()).finish()
    }
}

/// How a message ended that was handed over.
enum Ended {
    Taken,
    /// However often it was tried.
    Failed(Fault),
    /// The process ends, or the consumer begins again.
    Stopped,
}

impl Subscription {
    /// Hands to `consumer` what it wants of `feed`. Inbox and position are in `store`, where its effects are.
    #[must_use]
    pub fn new(store: Store, feed: Arc<dyn Feed>, consumer: Arc<dyn Consumer>) -> Self {
        Self(Arc::new(Inner { store, feed, consumer, told_of: Mutex::default() }))
    }

    /// Works until the process stops.
    ///
    /// # Errors
    /// Never, as long as the names of the gauges are names to Prometheus.
    pub fn work(self, background: &mut Background) -> anyhow::Result<()> {
        let name = self.0.consumer.name();
        let labels = [("consumer", name)];
        background.metrics.labelled_gauge(
            ("messages_behind", &labels),
            "Messages in the feed that the consumer has not taken yet.",
            &self,
            |subscription| async move { subscription.behind().await.ok() },
        )?;
        background.metrics.labelled_gauge(
            ("parked_messages", &labels),
            "Messages that did not take effect, without those that wait behind them.",
            &self.0.store,
            move |store| async move { parked::count(&store, name).await.ok() },
        )?;
        let stop = background.stop.clone();
        background.work(tracing::info_span!("subscription", consumer = name), self.run(stop));
        Ok(())
    }

    /// Works until `stop`.
    pub async fn run(self, stop: Stop) {
        let [first, longest] = AGAIN;
        let (mut pause, mut away) = (first, Away::default());
        let mut forgets = tokio::time::interval(FORGET);
        while !stop.is_stopping() {
            if forgets.tick().now_or_never().is_some() {
                self.forget().await;
            }
            match self.turn(WAIT, &stop).await {
                Ok(_) => {
                    pause = first;
                    away.is_over("messages are read again");
                }
                Err(fault) => {
                    away.begins(&fault, "messages are not read now");
                    tokio::select! {
                        () = sleep(pause) => {}
                        () = stop.wait() => {}
                    }
                    pause = (pause * 2).min(longest);
                }
            }
        }
    }

    /// Takes what is there now, at most a hundred messages; how many were handed over.
    ///
    /// # Errors
    /// The feed or the database is away.
    pub async fn run_once(&self) -> Result<usize, Fault> {
        self.turn(Duration::ZERO, &Stop::manual()).await
    }

    /// How many messages it has not taken yet.
    ///
    /// # Errors
    /// The feed or the database is away.
    pub async fn behind(&self) -> Result<i64, Fault> {
        self.0.feed.behind(&Ctx::background(ASK), &self.reader(Duration::ZERO).await?).await
    }

    async fn reader(&self, wait: Duration) -> Result<Reader, Fault> {
        let Inner { store, consumer, .. } = &*self.0;
        let (name, wants) = (consumer.name(), consumer.wants());
        let row = query("SELECT feed, position FROM positions WHERE consumer = $1").bind(name);
        let row: Option<(Option<String>, i64)> = row.fetch_optional(store).await?;
        Ok(Reader { consumer: name, wants, after: place(row), wait })
    }

    async fn turn(&self, wait: Duration, stop: &Stop) -> Result<usize, Fault> {
        let due = self.take_parked(stop).await?;
        let reader = self.reader(if due == 0 { wait } else { Duration::ZERO }).await?;
        let ctx = Ctx::background(wait + ASK);
        let read = tokio::select! {
            read = self.0.feed.read(&ctx, &reader, AT_ONCE) => read?,
            () = stop.wait() => return Ok(0),
        };
        self.0.look_at(&reader.after, &read.feed);
        let mut follows = reader.after;
        if let Some(position) = read.unreadable {
            let (mut tx, here) = self.0.begin().await?;
            if here.has_come_to(&follows) {
                self.0.pass(&mut tx, &Place { feed: Some(read.feed), position }).await?;
                tx.commit().await?;
            }
            return Ok(1 + due);
        }
        let count = read.messages.len();
        let read: Vec<_> = read.messages.into_iter().map(Arc::new).collect();
        for chunk in read.chunks(TOGETHER) {
            if chunk.len() > 1 && self.take_together(chunk, &follows).await.unwrap_or(false) {
                self.0.consumer.applied();
            } else if let Ended::Stopped = self.take_each(chunk, &follows, stop).await? {
                return Ok(count);
            }
            follows = last(chunk).unwrap_or(follows);
        }
        Ok(count + due)
    }

    /// Takes messages in one transaction; `false` when one of them fails: then none has taken effect.
    async fn take_together(&self, chunk: &[Arc<Delivered>], follows: &Place) -> Result<bool, Fault> {
        let Some(last) = last(chunk) else { return Ok(true) };
        let (tx, here) = self.0.begin().await?;
        if !here.has_come_to(follows) {
            return Ok(false);
        }
        let batch = Batch::new(tx);
        for delivered in chunk {
            let step = Step::in_batch(self.0.clone(), delivered.clone(), &batch);
            piece::deliver(&step, &step).await?;
        }
        let Some(mut tx) = batch.finish() else { return Ok(false) };
        self.0.pass(&mut tx, &last).await?;
        tx.commit().await?;
        for delivered in chunk {
            self.0.done(delivered).await;
        }
        Ok(true)
    }

    /// Takes messages one after the other, each as often as it needs.
    async fn take_each(
        &self,
        chunk: &[Arc<Delivered>],
        follows: &Place,
        stop: &Stop,
    ) -> Result<Ended, Fault> {
        let mut follows = follows.clone();
        for delivered in chunk {
            let step = Step::new(self.0.clone(), delivered.clone(), follows);
            match tried(|| piece::deliver(&step, &step), || stop.is_stopping() || step.is_void(), stop).await
            {
                Ended::Taken => self.0.consumer.applied(),
                Ended::Failed(fault) => self.park(&step, &fault).await?,
                Ended::Stopped => return Ok(Ended::Stopped),
            }
            follows = delivered.place();
        }
        Ok(Ended::Taken)
    }

    /// Takes messages that were parked and may be tried again; how many.
    async fn take_parked(&self, stop: &Stop) -> Result<usize, Fault> {
        let Inner { store, consumer, .. } = &*self.0;
        let mut count = 0;
        while let Some(due) = parked::due(store, consumer.name()).await? {
            let step = || async {
                let (mut tx, _) = self.0.begin().await?;
                if parked::remove(&mut tx, &due.id).await? {
                    step::note(&mut tx, consumer.name(), due.message.id).await?;
                    self.0.apply(&mut tx, &due.message).await?;
                }
                Ok(tx.commit().await?)
            };
            match tried(step, || stop.is_stopping(), stop).await {
                Ended::Taken => consumer.applied(),
                Ended::Failed(fault) => parked::again(store, &due.id, TRIES, &fault).await?,
                Ended::Stopped => break,
            }
            count += 1;
        }
        Ok(count)
    }

    async fn park(&self, step: &Step, fault: &Fault) -> Result<(), Fault> {
        let delivered = &*step.delivered;
        let Recorded { id, kind, subject, .. } = &*delivered.message;
        let why = parked::reason(fault);
        tracing::error!(message = %id, kind, subject, why, "a message is parked");
        let name = self.0.consumer.name();
        let mut tx = step.begin().await?;
        if step::insert_once(&mut tx, name, *id).await? {
            let state = parked::State::Parked { reason: fault, tries: TRIES };
            parked::insert(&mut tx, name, &delivered.message, state).await?;
        }
        self.0.pass(&mut tx, &delivered.place()).await?;
        tx.commit().await?;
        self.0.done(delivered).await;
        Ok(())
    }

    async fn forget(&self) {
        let before = store::now() - i64::try_from(KNOWN.as_millis()).unwrap_or(i64::MAX);
        let sql = query("DELETE FROM inbox WHERE consumer = $1 AND taken_at < $2");
        let forgotten = sql.bind(self.0.consumer.name()).bind(before).execute(&self.0.store).await;
        if let Err(error) = forgotten {
            tracing::warn!(%error, "old rows of the inbox stay");
        }
    }
}

/// Forgets in `tx` what `consumer` has taken and how far it is, and what is parked of it: from then on it gets everything from the
/// beginning. For a read model that is thrown away and built anew, in the same transaction and while the subscription runs. Call it
/// before anything else in `tx`: it waits for whoever is taking a message, whose effect would be missed otherwise.
///
/// # Errors
/// The database's.
pub async fn begin_again(tx: &mut Tx, consumer: &str) -> Result<(), Fault> {
    for forget in [
        // First: whoever is taking a message holds it.
        "UPDATE positions SET position = 0 WHERE consumer = $1",
        "DELETE FROM inbox WHERE consumer = $1",
        "DELETE FROM parked WHERE consumer = $1",
    ] {
        query(forget).bind(consumer).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Does `step` until it works, or fails too often for a reason that is the message's.
async fn tried<S: Future<Output = Result<(), Fault>>>(
    step: impl Fn() -> S,
    is_over: impl Fn() -> bool,
    stop: &Stop,
) -> Ended {
    let [mut pause, longest] = AGAIN;
    let (mut failures, mut away) = (0, Away::default());
    loop {
        let Err(fault) = step().await else {
            away.is_over("the message has taken effect");
            return Ended::Taken;
        };
        if is_over() {
            return Ended::Stopped;
        }
        away.begins(&fault, "a message did not take effect");
        if !matches!(fault, Fault::Unavailable(_) | Fault::DeadlineExceeded) {
            failures += 1;
        }
        if failures == TRIES {
            return Ended::Failed(fault);
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = stop.wait() => return Ended::Stopped,
        }
        pause = (pause * 2).min(longest);
    }
}

impl Inner {
    /// Says once that the feed is another one than that in which the consumer is at `after`.
    fn look_at(&self, after: &Place, feed: &Arc<str>) {
        let mut told_of = self.told_of.lock().unwrap_or_else(PoisonError::into_inner);
        if after.is_elsewhere(feed) && told_of.as_ref() != Some(feed) {
            let (consumer, known) = (self.consumer.name(), after.feed.as_deref());
            tracing::error!(
                consumer,
                known,
                new = &**feed,
                position = after.position,
                "this is another feed: it is read from its first message, and what the known one had not handed over yet is lost"
            );
            *told_of = Some(feed.clone());
        }
    }

    /// A transaction in which this consumer alone takes messages, whichever process it is in; and how far it is.
    async fn begin(&self) -> Result<(Tx, Place), Fault> {
        let mut tx = self.store.begin_write().await?;
        let name = self.consumer.name();
        let sql = "SELECT feed, position FROM positions WHERE consumer = $1";
        let lock = format!("{sql}{}", self.store.for_update());
        let row: Option<(Option<String>, i64)> =
            Query::assembled(lock).bind(name).fetch_optional(&mut tx).await?;
        if row.is_none() {
            // Of two that are new, the second waits here for the first.
            query("INSERT INTO positions (consumer, position) VALUES ($1, 0) ON CONFLICT DO NOTHING")
                .bind(name)
                .execute(&mut tx)
                .await?;
        }
        Ok((tx, place(row)))
    }

    /// What the consumer does with a message, in bounds: a panic is a failure, and so is an effect without end.
    async fn apply(&self, tx: &mut Tx, message: &Recorded) -> Result<(), Fault> {
        let effect = AssertUnwindSafe(self.consumer.apply(tx, message)).catch_unwind();
        match timeout(APPLY, effect).await {
            Ok(Ok(applied)) => applied,
            Ok(Err(_)) => Err(Fault::internal("the consumer panicked")),
            Err(_) => Err(Fault::internal(format!("it took longer than {APPLY:?}"))),
        }
    }

    /// Does it, or has it wait behind one about the same subject that is parked.
    async fn apply_in_order(&self, tx: &mut Tx, delivered: &Delivered) -> Result<(), Fault> {
        let (name, message) = (self.consumer.name(), &delivered.message);
        // The inbox has forgotten it. It has its turn when somebody decides so.
        if parked::is_put_down(tx, name, message.id).await? {
            return Ok(());
        }
        if self.consumer.poison() == Poison::Waits && parked::holds_up(tx, name, &message.subject).await? {
            return Ok(parked::insert(tx, name, message, parked::State::Waiting).await?);
        }
        self.apply(tx, message).await
    }

    /// Tells the feed that a message need not be handed over again. Nothing hangs on it: the position beside the effect counts, and
    /// whoever has not heard it hands over once more what the inbox knows. A server that was killed has forgotten what it had handed
    /// over, and never answers.
    async fn done(&self, delivered: &Delivered) {
        if let Err(fault) = self.feed.done(&Ctx::background(TELL), delivered).await {
            tracing::warn!(message = %delivered.message.id, %fault, "the feed did not hear that a message was taken");
        }
    }

    /// Notes that everything up to `place` is taken.
    async fn pass(&self, tx: &mut Tx, place: &Place) -> Result<(), Fault> {
        query(
            "UPDATE positions SET feed = $1, position = $2 \
             WHERE consumer = $3 AND (feed IS NULL OR feed <> $1 OR position < $2)",
        )
        .bind(place.feed.as_deref())
        .bind(place.position)
        .bind(self.consumer.name())
        .execute(tx)
        .await?;
        Ok(())
    }
}

/// Where a consumer is, of its row.
fn place(row: Option<(Option<String>, i64)>) -> Place {
    row.map_or_else(Place::default, |(feed, position)| Place { feed: feed.map(Arc::from), position })
}

/// Where a consumer is that has taken all of them.
fn last(chunk: &[Arc<Delivered>]) -> Option<Place> {
    chunk.iter().max_by_key(|delivered| delivered.position).map(|delivered| delivered.place())
}
