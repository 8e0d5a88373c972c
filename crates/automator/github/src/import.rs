//! The import: reads every issue and pull request of every tracked repository, in the background.
//!
//! Its progress is rows. A page of a list and the cursor after it are written in one transaction, so
//! an import that is killed goes on from the last whole page, in this process or in another: the row
//! in `imports` is claimed with a lease, and a claim that nobody renews ends by itself.
//!
//! A list that was read to its end says also what is there no longer: see `missing`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::{Kind, Origin, RepositoryName};
use futures::{StreamExt, stream};
use sqlx::FromRow;
use store::{Store, lease::Lease, query, retry::RetryPolicy};
use tokio::{sync::Notify, time::Instant};
use uuid::Uuid;

use chassis::{Fault, background::Background, serve::Stop};

use crate::{
    client::{Github, GithubError, ListPage, PAGE},
    missing::{self, Expected},
    repositories::TrackedRepository,
    write::ItemWriter,
};

/// How many items are closed in one transaction: others want to write too.
const CLOSED_AT_ONCE: usize = 50;

/// How long a claim on an import lasts; what a killed worker costs.
const LEASE: Duration = Duration::from_secs(6);

/// How often a worker looks for an import that nobody told it of: one that another process left.
const POLL: Duration = Duration::from_secs(1);

/// How many lists are read at once.
const CONCURRENCY: usize = 4;

/// How long an import may wait for GitHub's limits, all waits together; then it fails and says so. Three
/// windows of the primary limit: who needs more has a token that others use up.
const LONGEST_WAIT: Duration = Duration::from_hours(3);

/// What an import says while it waits for that, and when it has waited too long.
const LIMITED: &str = "GitHub's rate limit is used up";

/// How many times in a row an import is taken up again without a page written between, after the database
/// failed in passing, and the pauses between: four minutes together.
const ATTEMPTS: i64 = 12;
const RETRY: RetryPolicy = RetryPolicy {
    first: POLL,
    longest: Duration::from_secs(30),
    // The number of attempts ends it.
    age: Duration::MAX,
};

/// What an import that the database ended says: the cause is for the log, not for whoever may read imports.
const DATABASE_FAILED: &str = "the database failed; the log has the reason";

/// The worker of one process.
#[derive(Debug, Clone)]
pub struct Importer {
    writer: Arc<dyn ItemWriter>,
    store: Store,
    github: Option<Github>,
    owner: Arc<str>,
    wake: Arc<Notify>,
}

/// A list to read, with where it stands.
#[derive(Debug, FromRow)]
struct List {
    id: String,
    kind: String,
    after_cursor: Option<String>,
    #[sqlx(flatten)]
    repository: Repository,
}

#[derive(Debug, FromRow)]
struct Repository {
    repository_id: String,
    name: String,
    reach: f64,
}

/// Why a list was not read to its end.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error(transparent)]
    Github(#[from] GithubError),
    #[error("{DATABASE_FAILED}")]
    Database(#[from] Fault),
    #[error("another worker reads on")]
    Overtaken,
}

impl From<store::Error> for Stopped {
    fn from(error: store::Error) -> Self {
        Self::Database(error.into())
    }
}

impl Importer {
    /// A worker that asks `github` and writes what it reads by `writer`; without `github`, every import fails and says why.
    #[must_use]
    pub fn new(store: Store, github: Option<Github>, writer: Arc<dyn ItemWriter>) -> Self {
        Self { writer, store, github, owner: Uuid::now_v7().to_string().into(), wake: Arc::default() }
    }

    /// Whom it asks.
    #[must_use]
    pub fn github(&self) -> Option<&Github> {
        self.github.as_ref()
    }

    /// Tells the worker that there is something to do.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Works in a process until it stops. What is under way then is given back, to be taken up by whoever comes next.
    pub fn work(self, background: &mut Background) {
        let stop = background.stop.clone();
        background.work(tracing::info_span!("importer"), self.run(stop));
    }

    async fn run(self, stop: Stop) {
        let mut effort = Effort::default();
        while !stop.is_stopping() {
            let claim = Lease::claim(&self.store, "imports", "active = 1", &self.owner, LEASE).await;
            match claim {
                Ok(Some(lease)) => {
                    effort.is_for(lease.id());
                    let pause = tokio::select! {
                        pause = self.work_on(lease.id(), &mut effort) => pause,
                        () = self.hold(&lease) => Duration::ZERO,
                        () = stop.wait() => {
                            tracing::info!(import = lease.id(), "import interrupted; it will go on later");
                            Duration::ZERO
                        }
                    };
                    if let Err(error) = lease.release(&self.store).await {
                        tracing::warn!(%error, "cannot give the import back; its lease will end");
                    }
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = stop.wait() => {}
                    }
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "cannot look for imports"),
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                () = stop.wait() => {}
            }
        }
    }

    /// Renews the lease until it is lost.
    async fn hold(&self, lease: &Lease) {
        loop {
            tokio::time::sleep(lease.heartbeat()).await;
            match lease.renew(&self.store).await {
                Ok(true) => {}
                Ok(false) => {
                    return tracing::warn!(import = lease.id(), "import taken over by another worker");
                }
                // The next renewal may work; if none does, the lease ends and somebody else goes on.
                Err(error) => tracing::warn!(%error, "cannot renew the lease on the import"),
            }
        }
    }

    /// Works on the import until it has ended, or until the database fails in passing: then how long to
    /// pause before it is taken up again. Its progress is rows, so it goes on where it stands.
    async fn work_on(&self, import: &str, effort: &mut Effort) -> Duration {
        let fault = match self.try_work(import, effort).await {
            Ok(()) => return Duration::ZERO,
            Err(fault) => fault,
        };
        let pause = effort.failed();
        if let (Fault::Unavailable(_), Some(pause)) = (&fault, pause) {
            tracing::warn!(import, ?pause, "the import stumbled over the database; it will go on");
            return pause;
        }
        tracing::error!(import, error = &fault as &dyn std::error::Error, "the database ends the import");
        match self.finish(import, Some(DATABASE_FAILED.to_owned())).await {
            Ok(()) => Duration::ZERO,
            Err(error) => {
                tracing::error!(import, %error, "cannot even say so; the next attempt may");
                pause.unwrap_or(RETRY.longest)
            }
        }
    }

    /// Reads all lists of the import that are not done, then ends it. A repository that has left the catalogue
    /// since the import began is not read: its webhooks are ignored too, and its lists end where they are.
    async fn try_work(&self, import: &str, effort: &mut Effort) -> Result<(), Fault> {
        let Some(github) = &self.github else {
            let reason = "GITHUB_TOKEN is not set".to_owned();
            return self.finish(import, Some(reason)).await.map_err(Fault::from);
        };
        query(
            "UPDATE import_lists SET done = 1, version = version + 1 WHERE import_id = $1 AND done = 0 \
             AND repository_id IN (SELECT id FROM repositories WHERE tracked = 0)",
        )
        .bind(import)
        .execute(&self.store)
        .await?;
        let lists: Vec<List> = query(
            "SELECT l.id, l.kind, l.after_cursor, l.repository_id, r.name, r.reach FROM import_lists l \
             JOIN repositories r ON r.id = l.repository_id WHERE l.import_id = $1 AND l.done = 0 ORDER BY l.id",
        )
        .bind(import)
        .fetch_all(&self.store)
        .await?;
        let pages = &effort.pages;
        let reading = stream::iter(lists)
            .map(|list| async move {
                let name = list.repository.name.clone();
                (name, self.read(github, list, pages).await)
            })
            .buffer_unordered(CONCURRENCY)
            .collect();
        let ends: Vec<(String, Result<(), Stopped>)> = tokio::select! {
            ends = reading => ends,
            reason = self.watch_limits(github, import, &mut effort.waiting) => {
                return self.finish(import, Some(reason)).await.map_err(Fault::from);
            }
        };
        let mut failures: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, end) in ends {
            match end {
                Ok(()) => {}
                Err(Stopped::Overtaken) => return Ok(()),
                Err(Stopped::Database(fault)) => match fault {
                    fault @ Fault::Unavailable(_) => return Err(fault),
                    fault => {
                        let error: &dyn std::error::Error = &fault;
                        tracing::error!(import, repository = name, error, "the database ends a list");
                        failures.entry(DATABASE_FAILED.to_owned()).or_default().insert(name);
                    }
                },
                Err(error) => _ = failures.entry(error.to_string()).or_default().insert(name),
            }
        }
        self.finish(import, told(&failures)).await.map_err(Fault::from)
    }

    /// Tells in the import what it waits for. Returns when it has waited too long, with the reason.
    async fn watch_limits(&self, github: &Github, import: &str, waiting: &mut WaitBudget) -> String {
        let mut limits = github.limits();
        loop {
            let (now, until) = (Instant::now(), limits.until());
            if !waiting.lasts(until) {
                return format!(
                    "{LIMITED}, and no more than {} minutes of an import go by waiting for it",
                    LONGEST_WAIT.as_secs() / 60
                );
            }
            let wait = until.saturating_duration_since(now);
            let reason = (!wait.is_zero()).then(|| format!("{LIMITED} for {} s", wait.as_secs()));
            if let Err(error) = self.describe(import, "running", reason.as_deref()).await {
                tracing::warn!(import, %error, "cannot say what the import waits for");
            }
            tokio::select! {
                () = limits.changed() => {}
                () = tokio::time::sleep_until(until), if !wait.is_zero() => {}
            }
        }
    }

    /// Reads one list to its end.
    async fn read(&self, github: &Github, mut list: List, pages: &AtomicU64) -> Result<(), Stopped> {
        let (Ok(name), Ok(kind)) =
            (list.repository.name.parse::<RepositoryName>(), list.kind.parse::<Kind>())
        else {
            return Err(GithubError::Refused("the stored list cannot be read".to_owned()).into());
        };
        let mut expected = match list.after_cursor {
            None => Expected::of(&self.store, &list.repository.repository_id, kind).await?,
            Some(_) => Expected::nothing(),
        };
        let mut first = PAGE;
        loop {
            let page = github.list(&name, kind, list.after_cursor.as_deref(), &mut first).await?;
            if page.has_gaps {
                expected = Expected::nothing();
            }
            expected.found(&page.items);
            let more = self.write(&mut list, page, &expected).await?;
            pages.fetch_add(1, Ordering::Relaxed);
            if !more {
                return Ok(());
            }
        }
    }

    /// Writes a page and where the next one begins; whether there is a next one. Before the last, what was `expected` and not found is
    /// closed.
    async fn write(&self, list: &mut List, page: ListPage, expected: &Expected) -> Result<bool, Stopped> {
        let repository = TrackedRepository {
            id: list.repository.repository_id.clone(),
            name: list.repository.name.clone(),
            reach: list.repository.reach,
        };
        let seen = i64::try_from(page.items.len()).unwrap_or(i64::MAX);
        let last = page.next.is_none();
        if last {
            self.close_missing(&repository, expected).await?;
        }
        let mut tx = self.store.begin_write().await?;
        self.writer.write(&mut tx, &repository, &page.items, Origin::Import, None).await?;
        let next = page.next.or_else(|| list.after_cursor.clone());
        let moved = query(
            "UPDATE import_lists SET after_cursor = $1, items_seen = items_seen + $2, done = $3, version = version + 1 \
             WHERE id = $4 AND done = 0 AND after_cursor IS NOT DISTINCT FROM $5",
        )
        .bind(&next)
        .bind(seen)
        .bind(i64::from(last))
        .bind(&list.id)
        .bind(&list.after_cursor)
        .execute(&mut tx)
        .await?;
        if moved == 0 {
            // Our lease ended unnoticed and somebody else wrote this page.
            return Err(Stopped::Overtaken);
        }
        tx.commit().await?;
        list.after_cursor = next;
        Ok(!last)
    }

    /// Closes what was `expected` and not found, as many at once as a page has: a repository whose issues were switched off lacks
    /// all of them. Once more changes nothing, so each transaction stands by itself.
    async fn close_missing(
        &self,
        repository: &TrackedRepository,
        expected: &Expected,
    ) -> Result<(), Stopped> {
        for keys in expected.missing().chunks(CLOSED_AT_ONCE) {
            let mut tx = self.store.begin_write().await?;
            let gone = missing::gone(&mut tx, keys).await?;
            self.writer.write(&mut tx, repository, &gone, Origin::Import, None).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Sets the import's status and what it waits for.
    async fn describe(&self, import: &str, status: &str, reason: Option<&str>) -> Result<(), store::Error> {
        query(
            "UPDATE imports SET status = $1, error = $2, version = version + 1 \
             WHERE id = $3 AND active = 1 AND (status <> $1 OR error IS DISTINCT FROM $2)",
        )
        .bind(status)
        .bind(reason)
        .bind(import)
        .execute(&self.store)
        .await?;
        Ok(())
    }

    /// Ends the import: done, or failed with the reason.
    async fn finish(&self, import: &str, error: Option<String>) -> Result<(), store::Error> {
        let status = if error.is_some() { "failed" } else { "done" };
        query(
            "UPDATE imports SET status = $1, error = $2, active = NULL, finished_at = $3, version = version + 1 \
             WHERE id = $4 AND active = 1",
        )
        .bind(status)
        .bind(&error)
        .bind(store::now())
        .bind(import)
        .execute(&self.store)
        .await?;
        tracing::info!(import, status, error, "import ended");
        Ok(())
    }
}

/// What this process has put into an import; with another import it begins anew.
#[derive(Debug, Default)]
struct Effort {
    import: String,
    waiting: WaitBudget,
    /// Pages written, now and when the database failed last.
    pages: AtomicU64,
    pages_then: u64,
    /// How many times it has failed since a page was written.
    failures: i64,
}

impl Effort {
    /// That the effort is for this import.
    fn is_for(&mut self, import: &str) {
        if self.import != import {
            *self = Self { import: import.to_owned(), ..Self::default() };
        }
    }

    /// The database failed: how long to pause before the next attempt, or `None` after the last.
    fn failed(&mut self) -> Option<Duration> {
        let pages = *self.pages.get_mut();
        self.failures = if pages > self.pages_then { 1 } else { self.failures + 1 };
        self.pages_then = pages;
        RETRY.pause(self.failures, Duration::ZERO, None).filter(|_| self.failures < ATTEMPTS)
    }
}

/// What is left of [`LONGEST_WAIT`].
#[derive(Debug)]
struct WaitBudget {
    left: Duration,
    /// Up to when waits are counted; they overlap.
    counted: Instant,
}

impl Default for WaitBudget {
    fn default() -> Self {
        Self { left: LONGEST_WAIT, counted: Instant::now() }
    }
}

impl WaitBudget {
    /// Whether it lasts for a wait from now, or from the end of the last one, until then. Not if it would end
    /// on the way: nobody waits an hour in vain.
    fn lasts(&mut self, until: Instant) -> bool {
        let from = self.counted.max(Instant::now());
        match self.left.checked_sub(until.saturating_duration_since(from)) {
            Some(left) => {
                *self = Self { left, counted: from.max(until) };
                true
            }
            None => false,
        }
    }
}

/// The failures in a sentence each: a reason with the repositories that met it.
fn told(failures: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    /// How many repositories are named; a wrong token meets them all.
    const NAMED: usize = 3;
    let sentences: Vec<String> = failures
        .iter()
        .map(|(reason, names)| {
            let named: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
            match names.len().saturating_sub(NAMED) {
                0 => format!("{reason} ({})", named.join(", ")),
                more => format!("{reason} ({} and {more} more)", named.join(", ")),
            }
        })
        .collect();
    (!sentences.is_empty()).then(|| sentences.join("; "))
}

#[cfg(test)]
mod tests {
    use domain::Occurrence;
    use store::{Query, Tx};

    use super::*;
    use crate::told::Told;

    #[tokio::test(start_paused = true)]
    async fn each_second_of_waiting_counts_once_and_none_between() {
        const HOUR: Duration = Duration::from_hours(1);
        let mut budget = WaitBudget::default();
        let first = Instant::now() + HOUR;
        assert!(budget.lasts(first) && budget.lasts(first), "told twice, waited once");
        assert!(budget.lasts(first + HOUR), "put off by an hour");
        tokio::time::sleep_until(first + HOUR * 5).await;
        assert_eq!(budget.left, HOUR, "three hours of work were counted as waiting");
        assert!(!budget.lasts(Instant::now() + HOUR * 2));
        assert!(budget.lasts(Instant::now() + HOUR));
        tokio::time::sleep(HOUR).await;
        assert!(!budget.lasts(Instant::now() + Duration::from_secs(1)));
    }

    #[test]
    fn an_import_is_taken_up_again_more_and_more_slowly_and_not_for_ever_without_progress() {
        let mut effort = Effort::default();
        effort.is_for("a");
        let pauses: Vec<_> = (0..6).filter_map(|_| effort.failed()).map(|pause| pause.as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30]);
        effort.pages.fetch_add(1, Ordering::Relaxed);
        assert_eq!(effort.failed(), Some(POLL), "a page was written: that is progress");
        let more = (0..100).take_while(|_| effort.failed().is_some()).count();
        assert_eq!(i64::try_from(more).unwrap(), ATTEMPTS - 2);
        effort.is_for("a");
        assert_eq!(effort.failed(), None);
        effort.is_for("b");
        assert_eq!(effort.failed(), Some(POLL));
    }

    /// Writes items and nothing else.
    #[derive(Debug)]
    struct Items(Store);

    #[async_trait::async_trait]
    impl ItemWriter for Items {
        async fn write(
            &self,
            tx: &mut Tx,
            repository: &TrackedRepository,
            items: &[Told],
            _: Origin,
            _: Option<Occurrence>,
        ) -> Result<(), Fault> {
            crate::write::write(&self.0, tx, "maintainers", repository, items).await?;
            Ok(())
        }
    }

    const NOBODY: &str = "http://127.0.0.1:9";

    /// An import of one list, of a repository that is tracked or not.
    async fn import(folder: &acceptance::tempfile::TempDir, tracked: i64, github: &str) -> Importer {
        let url = format!("sqlite://{}", folder.path().join("automator.db").display());
        let store = Store::connect(&url.parse().unwrap()).await.unwrap();
        store.migrate("github", sqlx::migrate!("tests/schema")).await.unwrap();
        for sql in [
            format!("INSERT INTO repositories (id, name, language, reach, tracked, version) VALUES ('r', 'sendgrid/rest', 'go', 1, {tracked}, 1)"),
            "INSERT INTO imports (id, status, active, version, created_at) VALUES ('i', 'queued', 1, 1, 0)".to_owned(),
            "INSERT INTO import_lists (id, import_id, repository_id, kind, items_seen, done, version) VALUES ('l', 'i', 'r', 'issue', 0, 0, 1)".to_owned(),
        ] {
            Query::assembled(sql).execute(&store).await.unwrap();
        }
        let token = simulators::GITHUB_TOKEN.parse().unwrap();
        let github = Github::new(&github.parse().unwrap(), token).unwrap();
        Importer::new(store.clone(), Some(github), Arc::new(Items(store)))
    }

    async fn end(importer: &Importer) -> (String, Option<String>) {
        let sql = "SELECT status, error FROM imports WHERE id = 'i'";
        query(sql).fetch_one(&importer.store).await.unwrap()
    }

    #[tokio::test]
    async fn what_is_tracked_no_longer_is_not_read() {
        let folder = acceptance::tempfile::TempDir::new().unwrap();
        let importer = import(&folder, 0, NOBODY).await;
        assert_eq!(importer.work_on("i", &mut Effort::default()).await, Duration::ZERO);
        assert_eq!(end(&importer).await, ("done".to_owned(), None));
        let left = importer.store.count("SELECT count(*) FROM import_lists WHERE done = 0").await.unwrap();
        assert_eq!(left, 0, "an import that is done has something left to do");
    }

    #[tokio::test]
    async fn a_database_that_fails_for_good_ends_an_import_without_its_words() {
        let folder = acceptance::tempfile::TempDir::new().unwrap();
        let importer = import(&folder, 1, NOBODY).await;
        query("DROP TABLE import_lists").execute(&importer.store).await.unwrap();
        assert_eq!(importer.work_on("i", &mut Effort::default()).await, Duration::ZERO);
        assert_eq!(end(&importer).await, ("failed".to_owned(), Some(DATABASE_FAILED.to_owned())));
    }

    #[tokio::test]
    async fn a_database_that_fails_in_passing_pauses_an_import_and_does_not_end_it() {
        let world = simulators::State::new(simulators::Options::default()).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, simulators::router(world)).await });
        let folder = acceptance::tempfile::TempDir::new().unwrap();
        let importer = import(&folder, 1, &url).await;

        // Somebody else writes for longer than the page waits for its turn, which are five seconds, and for less
        // than the page and the end of the import would wait.
        let busy = importer.store.begin_write().await.unwrap();
        let freed = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(8)).await;
            drop(busy);
        });
        let mut effort = Effort::default();
        assert_eq!(importer.work_on("i", &mut effort).await, POLL);
        freed.await.unwrap();
        assert_eq!(end(&importer).await, ("queued".to_owned(), None));
        assert_eq!(importer.work_on("i", &mut effort).await, Duration::ZERO);
        assert_eq!(end(&importer).await, ("done".to_owned(), None));
        assert!(effort.pages.into_inner() > 0);
    }

    #[test]
    fn one_reason_that_meets_every_repository_is_told_once() {
        let names = (0..5).map(|n| format!("a/{n}")).collect();
        let failures = BTreeMap::from([("Bad credentials".to_owned(), names)]);
        assert_eq!(told(&failures).unwrap(), "Bad credentials (a/0, a/1, a/2 and 2 more)");
        assert_eq!(told(&BTreeMap::new()), None);
    }
}
