//! The table in use, and how another one takes its place.
//!
//! The file is read four times a second and compared: that sees an editor's rename and a mounted file alike, on every system.
//! What is new must stay the same for two looks, so that nobody meets a file that is half written. Requests under way keep the
//! table that they began with.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use chassis::{process::Misconfigured, serve::Stop};

use crate::table::{Plan, Table};

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// A table that can be replaced while it is used.
#[derive(Debug)]
pub struct Live {
    path: PathBuf,
    table: RwLock<Arc<Table>>,
    seen: Mutex<Seen>,
}

/// The file, as it was when it was last taken or refused.
#[derive(Debug)]
struct Seen {
    text: Result<String, String>,
    /// How many tables were taken so far.
    taken: u64,
    /// Why the file that is there now is not in use.
    refused: Option<String>,
}

/// How the table in use has come about.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Status {
    /// How many tables were taken since the start, the first one included.
    pub taken: u64,
    /// Why the file that is there now is not in use.
    pub refused: Option<String>,
}

impl Live {
    /// Reads the first table, on the runtime that will serve.
    ///
    /// # Errors
    /// One line, when it cannot be used.
    pub fn load(path: &Path) -> Result<Self, Misconfigured> {
        let text = read(path);
        let plan = plan(path, &text)
            .map_err(|reason| Misconfigured(format!("invalid value for 'GATEWAY_TABLE': {reason}")))?;
        let table = Arc::new(Table::begin(plan, None));
        let seen = Seen { text, taken: 1, refused: None };
        Ok(Self { path: path.to_owned(), table: RwLock::new(table), seen: Mutex::new(seen) })
    }

    /// The table in use now.
    #[must_use]
    pub fn table(&self) -> Arc<Table> {
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// How it has come about.
    #[must_use]
    pub fn status(&self) -> Status {
        let seen = self.seen();
        Status { taken: seen.taken, refused: seen.refused.clone() }
    }

    /// Takes the table that is in the file now, or refuses it and keeps the one in use.
    pub fn reload(&self) {
        self.take(read(&self.path));
    }

    /// Looks at the file, and hears SIGHUP, until `stop`.
    pub async fn watch(self: Arc<Self>, stop: Stop) {
        let mut hang_up = HangUp::listen();
        let mut looks = tokio::time::interval(LOOK);
        let mut before = None;
        loop {
            tokio::select! {
                () = stop.wait() => return,
                () = hang_up.heard() => self.reload(),
                _ = looks.tick() => {
                    let text = read(&self.path);
                    let is_new = self.seen().text != text;
                    if is_new && before.as_ref() == Some(&text) {
                        self.take(text);
                        before = None;
                    } else {
                        before = is_new.then_some(text);
                    }
                }
            }
        }
    }

    fn take(&self, text: Result<String, String>) {
        let plan = plan(&self.path, &text);
        let mut seen = self.seen();
        seen.text = text;
        match plan {
            Ok(plan) => {
                let table = Arc::new(Table::begin(plan, Some(&self.table())));
                *self.table.write().unwrap_or_else(PoisonError::into_inner) = table;
                seen.taken += 1;
                seen.refused = None;
                tracing::info!(number = seen.taken, "another route table is in use");
            }
            Err(reason) => {
                tracing::warn!(reason, "the route table is refused; the one in use stays");
                seen.refused = Some(reason);
            }
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // A panic in between leaves a text that is read again.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file of a few kilobytes: reading it takes less time than handing it to another thread.
fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

fn plan(path: &Path, text: &Result<String, String>) -> Result<Plan, String> {
    let plan = text.as_ref().map_err(Clone::clone).and_then(|text| {
        Plan::read(text, |name| std::env::var(name).ok()).map_err(|refused| refused.to_string())
    });
    plan.map_err(|reason| format!("{}: {reason}", path.display()))
}

/// SIGHUP, where there is one.
struct HangUp {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl HangUp {
    fn listen() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let signal = signal(SignalKind::hangup());
            if let Err(error) = &signal {
                tracing::warn!(%error, "SIGHUP is not heard; a change of the file is");
            }
            Self { signal: signal.ok() }
        }
        #[cfg(not(unix))]
        Self {}
    }

    /// Waits for the next one, for ever where there is none.
    async fn heard(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}
