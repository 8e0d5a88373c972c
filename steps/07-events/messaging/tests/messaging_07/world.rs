//! A service with an outbox, a feed and consumers, over a fresh database.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use acceptance::{
    Database,
    tokio::{self, net::TcpListener},
};
use async_trait::async_trait;
use chassis::{
    Ctx, Fault,
    auth::Secret,
    event::{Event, Recorded},
    serve::Stop,
};
use serde::Serialize;
use step_07_messaging::{
    Consumer, Delivered, Feed, Outbox, Place, Poison, Read, Reader, Relay, Subscription,
    feed::embedded::Embedded,
};
use store::{Query, Recorder, Store, Tx, query};

pub(crate) const TOKEN: &str = "token-between-services";

/// A message of a test: `text` about `subject`.
#[derive(Debug, Serialize)]
pub(crate) struct Said {
    #[serde(skip)]
    pub(crate) subject: String,
    pub(crate) text: String,
}

impl Event for Said {
    fn kind(&self) -> &'static str {
        "test.said"
    }

    fn origin(&self) -> &str {
        "test"
    }

    fn subject(&self) -> String {
        self.subject.clone()
    }
}

/// A client for routes between services.
pub(crate) fn client() -> reqwest::Client {
    chassis::client::client(std::time::Duration::from_secs(10)).unwrap()
}

pub(crate) fn said(subject: &str, text: &impl ToString) -> Said {
    Said { subject: subject.to_owned(), text: text.to_string() }
}

/// What is said in a message.
pub(crate) fn text(message: &Recorded) -> &str {
    message.data["text"].as_str().unwrap_or_default()
}

/// One service and the feed.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) feed: Arc<dyn Feed>,
    pub(crate) url: String,
}

impl World {
    pub(crate) async fn new(database: &Database) -> Self {
        let url = serve_feed(&database.another().unwrap()).await;
        let feed = Arc::new(embedded(&url));
        Self { url, ..Self::over(database, feed).await }
    }

    /// The same over another feed.
    pub(crate) async fn over(database: &Database, feed: Arc<dyn Feed>) -> Self {
        let outbox = Outbox::new();
        let store = Store::connect(&database.url().parse().unwrap()).await.unwrap();
        store.migrate(step_07_messaging::MODULE, step_07_messaging::migrations()).await.unwrap();
        for sql in [
            "CREATE TABLE effects (consumer TEXT, subject TEXT, text TEXT, n BIGINT)",
            "CREATE INDEX effects_of_consumer ON effects (consumer, n)",
        ] {
            query(sql).execute(&store).await.unwrap();
        }
        Self { store: store.recording(outbox.clone()), outbox, feed, url: String::new() }
    }

    pub(crate) fn relay(&self, feed: Arc<dyn Feed>) -> Relay {
        Relay::new(self.store.clone(), self.outbox.clone(), feed)
    }

    /// Publishes all that waits.
    pub(crate) async fn publish(&self) {
        let relay = self.relay(self.feed.clone());
        while relay.run_once().await.unwrap() > 0 {}
    }

    /// Says something, in a transaction of its own.
    pub(crate) async fn say(&self, subject: &str, text: impl ToString) {
        let mut tx = self.store.begin_write().await.unwrap();
        tx.record(&said(subject, &text)).unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) fn subscription(&self, consumer: Arc<dyn Consumer>) -> Subscription {
        Subscription::new(self.store.clone(), self.feed.clone(), consumer)
    }

    pub(crate) async fn waiting(&self) -> i64 {
        self.store.count("SELECT count(*) FROM outbox").await.unwrap()
    }

    /// Ends the leases of those who are dead, as time does.
    pub(crate) async fn end_leases(&self) {
        let end = "UPDATE outbox_subjects SET lease_until = 0 WHERE lease_until IS NOT NULL";
        query(end).execute(&self.store).await.unwrap();
    }

    /// What `consumer` has done, in the order in which it did.
    pub(crate) async fn effects(&self, consumer: &str) -> Vec<(String, String)> {
        let sql = query("SELECT subject, text FROM effects WHERE consumer = $1 ORDER BY n").bind(consumer);
        sql.fetch_all(&self.store).await.unwrap()
    }
}

/// A feed over the database at `url`, and where it is.
pub(crate) async fn serve_feed(url: &str) -> String {
    let store = Store::connect(&url.parse().unwrap()).await.unwrap();
    store.migrate("feed", step_07_feed::log::migrations()).await.unwrap();
    let log = step_07_feed::log::Log::new(store, Stop::manual()).await.unwrap();
    let router = chassis::http::frame(step_07_feed::routes::router(log, secret()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(chassis::serve::run(listener, router, Stop::manual()));
    url
}

pub(crate) fn secret() -> Secret {
    TOKEN.parse().unwrap()
}

pub(crate) fn embedded(url: &str) -> Embedded {
    Embedded::new(url.parse().unwrap(), secret()).unwrap()
}

/// The feed's messages from the beginning.
pub(crate) async fn all(feed: &dyn Feed) -> Vec<Delivered> {
    let mut found: Vec<Delivered> = Vec::new();
    loop {
        let position = found.last().map_or(0, |last| last.position);
        let after = Place { feed: None, position };
        let reader = Reader { consumer: "test", wants: &["test"], after, wait: std::time::Duration::ZERO };
        let next = feed
            .read(&Ctx::background(std::time::Duration::from_secs(5)), &reader, 500)
            .await
            .unwrap()
            .messages;
        if next.is_empty() {
            return found;
        }
        found.extend(next);
    }
}

/// What was said about each subject, in the order of the messages; what comes a second time left out.
pub(crate) fn by_subject<'m>(
    messages: impl IntoIterator<Item = &'m Recorded>,
) -> BTreeMap<String, Vec<String>> {
    let mut by: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut seen = std::collections::HashSet::new();
    for message in messages {
        if seen.insert(message.id) {
            by.entry(message.subject.clone()).or_default().push(text(message).to_owned());
        }
    }
    by
}

/// `0`, `1`, … as texts.
pub(crate) fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

type Answer = dyn Fn(&Recorded) -> Result<(), Fault> + Send + Sync;

/// A consumer that writes down what it takes, if `answer` lets it.
pub(crate) struct Diary {
    pub(crate) name: &'static str,
    pub(crate) poison: Poison,
    pub(crate) answer: Box<Answer>,
    pub(crate) tried: AtomicUsize,
}

impl Diary {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, poison: Poison::Waits, answer: Box::new(|_| Ok(())), tried: AtomicUsize::new(0) }
    }

    pub(crate) fn answering(
        self,
        answer: impl Fn(&Recorded) -> Result<(), Fault> + Send + Sync + 'static,
    ) -> Self {
        Self { answer: Box::new(answer), ..self }
    }

    pub(crate) fn tried(&self) -> usize {
        self.tried.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Consumer for Diary {
    fn name(&self) -> &'static str {
        self.name
    }

    fn wants(&self) -> &'static [&'static str] {
        &["test"]
    }

    fn poison(&self) -> Poison {
        self.poison
    }

    async fn apply(&self, tx: &mut Tx, message: &Recorded) -> Result<(), Fault> {
        self.tried.fetch_add(1, Ordering::SeqCst);
        // First, so that what fails later has to be undone.
        query(
            "INSERT INTO effects (consumer, subject, text, n) \
             SELECT $1, $2, $3, coalesce(max(n), 0) + 1 FROM effects WHERE consumer = $1",
        )
        .bind(self.name)
        .bind(&message.subject)
        .bind(text(message))
        .execute(tx)
        .await?;
        (self.answer)(message)
    }
}

/// What a call of [`Feed::publish`] comes to, before it is passed on.
type Publishing = dyn Fn(&[Recorded]) -> Result<(), Fault> + Send + Sync;

/// A feed between us and `feed`, which does what a test wants.
pub(crate) struct Between {
    pub(crate) feed: Arc<dyn Feed>,
    /// Each call of [`Feed::publish`], before it is passed on; an error is the answer instead.
    pub(crate) publishing: Box<Publishing>,
    /// How often it hands each message over.
    pub(crate) times: usize,
    /// What was published, in batches.
    pub(crate) published: Mutex<Vec<Vec<Recorded>>>,
    /// How many messages each answer had.
    pub(crate) read: Mutex<Vec<usize>>,
}

impl std::fmt::Debug for Between {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Between")
    }
}

impl Between {
    pub(crate) fn new(feed: Arc<dyn Feed>) -> Self {
        let publishing = Box::new(|_: &[Recorded]| Ok(()));
        Self { feed, publishing, times: 1, published: Mutex::default(), read: Mutex::default() }
    }

    pub(crate) fn publishing(
        self,
        answer: impl Fn(&[Recorded]) -> Result<(), Fault> + Send + Sync + 'static,
    ) -> Self {
        Self { publishing: Box::new(answer), ..self }
    }
}

#[async_trait]
impl Feed for Between {
    async fn publish(&self, ctx: &Ctx, messages: &[Recorded]) -> Result<(), Fault> {
        (self.publishing)(messages)?;
        self.published.lock().unwrap().push(messages.to_vec());
        self.feed.publish(ctx, messages).await
    }

    async fn read(&self, ctx: &Ctx, reader: &Reader, limit: usize) -> Result<Read, Fault> {
        let mut read = self.feed.read(ctx, reader, limit).await?;
        self.read.lock().unwrap().push(read.messages.len());
        read.messages = read.messages.into_iter().flat_map(|delivered| vec![delivered; self.times]).collect();
        Ok(read)
    }

    async fn done(&self, ctx: &Ctx, delivered: &Delivered) -> Result<(), Fault> {
        self.feed.done(ctx, delivered).await
    }

    async fn behind(&self, ctx: &Ctx, reader: &Reader) -> Result<i64, Fault> {
        self.feed.behind(ctx, reader).await
    }
}

/// Messages with ids of the test's choice, in a transaction of their own.
pub(crate) async fn record(world: &World, messages: &[Recorded]) {
    let mut tx = world.store.begin_write().await.unwrap();
    world.outbox.before_commit(&mut tx, messages).await.unwrap();
    tx.commit().await.unwrap();
}

/// The one number that `sql` asks for.
pub(crate) async fn number(store: &Store, sql: &str) -> i64 {
    let (number,): (i64,) = Query::assembled(sql.to_owned()).fetch_one(store).await.unwrap();
    number
}

#[expect(clippy::needless_pass_by_value, reason = "a number or a text, as it is at hand")]
pub(crate) fn recorded(subject: &str, text: impl ToString) -> Recorded {
    Recorded::now(&said(subject, &text)).unwrap()
}
