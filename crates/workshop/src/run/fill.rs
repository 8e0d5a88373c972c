//! A team and an import, through the public API as any client would.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use harness::{Stop, http::Request};
use serde_json::Value;

use crate::{list::Member, output::say};

/// How long the import may go without any progress.
const STANDS_STILL: Duration = Duration::from_secs(60);
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Makes `team` the team and imports what GitHub has.
pub(super) fn fill(base: &str, token: &str, team: &[Member], stop: &Stop) -> Result<()> {
    let api = Api { base, authorization: format!("Bearer {token}") };
    for member in team {
        let (status, answer) = api.post("/api/team", &serde_json::to_string(member)?)?;
        // 409: from an earlier run, and perhaps changed since. It stays as it is.
        if !matches!(status, 201 | 409) {
            bail!("{} cannot join the team: {status} {answer}", member.login);
        }
    }
    let (status, import) = api.post("/api/imports", "{}")?;
    if !(200..300).contains(&status) {
        bail!("the import cannot start: {status} {import}");
    }
    let id = import["id"].as_str().context("the import has no id")?.to_owned();
    follow(&api, &id, stop)
}

/// Shows an import's progress until it is done.
fn follow(api: &Api<'_>, id: &str, stop: &Stop) -> Result<()> {
    let mut seen = (-1, -1);
    let mut since = Instant::now();
    let mut shown = Instant::now();
    loop {
        if stop.requested() {
            bail!("stopped while importing");
        }
        let import = api.get(&format!("/api/imports/{id}"))?;
        let count = |key: &str| import[key].as_i64().unwrap_or_default();
        let (repositories, items) = (count("repositories_done"), count("items_seen"));
        let line =
            format!("imported {repositories} of {} repositories, {items} items", count("repositories_total"));
        match import["status"].as_str() {
            Some("done") => {
                say(&line);
                return Ok(());
            }
            Some("queued" | "running") => {}
            _ => bail!("the import ended: {import}"),
        }
        if (repositories, items) != seen {
            (seen, since) = ((repositories, items), Instant::now());
        } else if since.elapsed() > STANDS_STILL {
            bail!("the import has stood still for {STANDS_STILL:?}: {import}");
        }
        if shown.elapsed() > Duration::from_secs(1) {
            shown = Instant::now();
            say(&line);
        }
        thread::sleep(Duration::from_millis(50));
    }
}

struct Api<'a> {
    base: &'a str,
    authorization: String,
}

impl Api<'_> {
    fn post(&self, path: &str, body: &str) -> Result<(u16, Value)> {
        self.ask("POST", path, body)
    }

    fn get(&self, path: &str) -> Result<Value> {
        match self.ask("GET", path, "")? {
            (200, answer) => Ok(answer),
            (status, answer) => bail!("GET {path} answers {status}: {answer}"),
        }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Result<(u16, Value)> {
        let headers = [("authorization", self.authorization.as_str()), ("content-type", "application/json")];
        let request = Request { method, base: self.base, path, headers: &headers, body, limit: PATIENCE };
        let answer = request.send().with_context(|| format!("{method} {path} failed"))?;
        Ok((answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::String(answer.body))))
    }
}
