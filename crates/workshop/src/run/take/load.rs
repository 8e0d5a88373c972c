//! People who work while their data is moved: two who read and two who write, through the public API as any client would.
//!
//! Each write is remembered when it is acknowledged, read at once, and read once more at the end: what is not there then was
//! lost. A write without an answer may or may not have happened, so either is right.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use harness::http::Request;
use serde_json::{Value, json};

use super::tally::Tally;

const READERS: usize = 2;
const WRITERS: usize = 2;
/// What each of them does between two requests.
const THINKS: Duration = Duration::from_millis(40);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// On how many tasks they work: each writer on its own.
const TASKS: usize = 40;
/// Every how many writes one is a message to somebody.
const MESSAGE: usize = 10;
/// How many messages at most: whoever leaves the demo alone finds no flood.
const MESSAGES: usize = 500;
/// More pages than any backlog has.
const PAGES: usize = 1_000;

/// What a writer knows of a task of its own.
#[derive(Debug, Default, Clone)]
struct Written {
    /// Due date and version of the last write that was acknowledged.
    acknowledged: Option<(String, i64)>,
    /// Due dates of later writes without an answer.
    unsure: Vec<String>,
}

/// What was written.
#[derive(Debug, Default)]
struct Book {
    tasks: BTreeMap<String, Written>,
    messages: Vec<String>,
    writes: u64,
    stale: u64,
}

/// What came of all that was written.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Writes that were acknowledged.
    pub(super) writes: u64,
    /// What is not as the last acknowledged write has left it, one line each.
    pub(super) lost: Vec<String>,
    /// Reads after an acknowledged write that did not show it.
    pub(super) stale: u64,
    /// Tasks before, and now.
    pub(super) tasks: (usize, usize),
}

/// Everybody who works. Dropped, they go home.
pub(super) struct Load {
    shared: Arc<Shared>,
    people: Vec<JoinHandle<()>>,
    tasks: usize,
}

struct Shared {
    base: String,
    authorization: String,
    over: AtomicBool,
    tally: Mutex<Tally>,
    book: Mutex<Book>,
}

impl Load {
    /// Has them begin.
    ///
    /// # Errors
    /// There is nothing to work on.
    pub(super) fn start(base: &str, token: &str) -> Result<Self> {
        let shared = Arc::new(Shared {
            base: base.to_owned(),
            authorization: format!("Bearer {token}"),
            over: AtomicBool::new(false),
            tally: Mutex::default(),
            book: Mutex::default(),
        });
        let page = shared.get(&format!("/api/tasks?limit={TASKS}"))?;
        let ids: Vec<String> = strings(&page["items"], "id");
        if ids.is_empty() {
            bail!("there is no task in this data, so nobody has anything to do");
        }
        let tasks = shared.count()?;
        let mut people = Vec::new();
        for number in 0..READERS {
            let (shared, ids) = (Arc::clone(&shared), ids.clone());
            people.push(thread::spawn(move || shared.read_on(number, &ids)));
        }
        for number in 0..WRITERS {
            let own: Vec<_> = ids.iter().skip(number).step_by(WRITERS).cloned().collect();
            let shared = Arc::clone(&shared);
            people.push(thread::spawn(move || shared.write_on(number, &own)));
        }
        Ok(Self { shared, people, tasks })
    }

    /// What they have seen until now.
    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        lock(&self.shared.tally)
    }

    /// Sends everybody home and looks whether all is there.
    ///
    /// # Errors
    /// Nobody answers.
    pub(super) fn end(mut self) -> Result<Verdict> {
        self.go_home();
        let shared = &self.shared;
        let book = lock(&shared.book);
        let mut lost = Vec::new();
        for (id, written) in &book.tasks {
            let Some((due, version)) = &written.acknowledged else { continue };
            let task = shared.get(&format!("/api/tasks/{id}")).unwrap_or_default();
            let now = task["due_date"].as_str().unwrap_or_default();
            let is_right = now == due || written.unsure.iter().any(|unsure| unsure == now);
            if !is_right || task["version"].as_i64().is_none_or(|now| now < *version) {
                lost.push(format!(
                    "task {id} was set to be due on {due}, and now says {:?}",
                    task["due_date"]
                ));
            }
        }
        for id in &book.messages {
            if let Err(error) = shared.get(&format!("/api/notifications/{id}")) {
                lost.push(format!("message {id} was taken, and now: {error:#}"));
            }
        }
        Ok(Verdict { writes: book.writes, lost, stale: book.stale, tasks: (self.tasks, shared.count()?) })
    }

    fn go_home(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        for person in self.people.drain(..) {
            let _ = person.join();
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.go_home();
    }
}

impl Shared {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn read_on(&self, number: usize, ids: &[String]) {
        let one = ids.iter().skip(number).step_by(READERS).map(|id| format!("/api/tasks/{id}"));
        let mut paths = one.chain(["/api/tasks?limit=20".to_owned()]).collect::<Vec<_>>().into_iter().cycle();
        while !self.is_over()
            && let Some(path) = paths.next()
        {
            let _ = self.timed("GET", &path, "", None);
            thread::sleep(THINKS);
        }
    }

    fn write_on(&self, number: usize, ids: &[String]) {
        for (count, id) in ids.iter().cycle().enumerate() {
            if self.is_over() {
                return;
            }
            if count % MESSAGE == 0 && lock(&self.book).messages.len() < MESSAGES {
                self.send(&format!("take-{}-{number}-{count}", std::process::id()));
            } else {
                self.change(id, &day(count * WRITERS + number));
            }
            thread::sleep(THINKS);
        }
    }

    /// Sets a task's due date, and reads it.
    fn change(&self, id: &str, due: &str) {
        let path = format!("/api/tasks/{id}");
        let Some(changed) = self.timed("PATCH", &path, &json!({ "due_date": due }).to_string(), None) else {
            lock(&self.book).tasks.entry(id.to_owned()).or_default().unsure.push(due.to_owned());
            return;
        };
        let version = changed["version"].as_i64().unwrap_or_default();
        {
            let mut book = lock(&self.book);
            book.writes += 1;
            let acknowledged = Some((due.to_owned(), version));
            book.tasks.insert(id.to_owned(), Written { acknowledged, unsure: Vec::new() });
        }
        if let Some(task) = self.timed("GET", &path, "", None)
            && task["version"].as_i64().is_none_or(|seen| seen < version)
        {
            lock(&self.book).stale += 1;
        }
    }

    /// Sends somebody a message.
    fn send(&self, key: &str) {
        let to = "somebody@example.com";
        let body = json!({ "channel": "email", "to": to, "subject": "Still there?", "body": "Your data is being moved." });
        if let Some(taken) = self.timed("POST", "/api/notifications", &body.to_string(), Some(key))
            && let Some(id) = taken["id"].as_str()
        {
            let mut book = lock(&self.book);
            book.writes += 1;
            book.messages.push(id.to_owned());
        }
    }

    /// Asks, and notes how long that took; `None` without a good answer.
    fn timed(&self, method: &str, path: &str, body: &str, key: Option<&str>) -> Option<Value> {
        let begun = Instant::now();
        let answer = self.ask(method, path, body, key);
        let took = begun.elapsed();
        // Who is sent home in the middle of a request has no complaint.
        let failed = answer.as_ref().err().filter(|_| !self.is_over()).map(|error| format!("{error:#}"));
        lock(&self.tally).note(took, failed);
        answer.ok()
    }

    fn get(&self, path: &str) -> Result<Value> {
        self.ask("GET", path, "", None)
    }

    fn ask(&self, method: &str, path: &str, body: &str, key: Option<&str>) -> Result<Value> {
        let mut headers =
            vec![("authorization", self.authorization.as_str()), ("content-type", "application/json")];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        let request = Request { method, base: &self.base, path, headers: &headers, body, limit: PATIENCE };
        let answer = request.send().with_context(|| format!("{method} {path} failed"))?;
        if !(200..300).contains(&answer.status) {
            bail!("{method} {path} answers {answer}");
        }
        serde_json::from_str(&answer.body).with_context(|| format!("{method} {path} answers no JSON"))
    }

    /// How many tasks there are.
    fn count(&self) -> Result<usize> {
        let mut count = 0;
        for status in ["", "&status=done"] {
            let mut cursor = String::new();
            for page in 0.. {
                if page == PAGES {
                    bail!("the list of tasks has no end");
                }
                let page = self.get(&format!("/api/tasks?limit=100{status}{cursor}"))?;
                count += page["items"].as_array().map_or(0, Vec::len);
                let Some(next) = page["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={}", encoded(next));
            }
        }
        Ok(count)
    }
}

/// The values of `key` in a list of objects.
fn strings(list: &Value, key: &str) -> Vec<String> {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| Some(item[key].as_str()?.to_owned())).collect()
}

/// A cursor is opaque, but not necessarily fit for a URL (RFC 3986, section 2.3).
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

/// The `number`-th of many days, each another one.
fn day(number: usize) -> String {
    let (day, month, year) = (number % 28 + 1, number / 28 % 12 + 1, 2030 + number / 28 / 12 % 900);
    format!("{year}-{month:02}-{day:02}")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_day_comes_twice() {
        let days: BTreeSet<_> = (0..10_000).map(day).collect();
        assert_eq!(days.len(), 10_000);
        assert_eq!(day(0), "2030-01-01");
        assert_eq!(day(28 * 12), "2031-01-01");
    }

    #[test]
    fn a_cursor_fits_into_a_url() {
        assert_eq!(encoded("a=+/ü"), "a%3D%2B%2F%C3%BC");
    }
}
