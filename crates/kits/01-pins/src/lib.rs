//! What a pin needs. A pin asks a running Automator over HTTP for something that must not be lost, and complains when it is.
//!
//! ```no_run
//! # use kit_01_pins::{Client, Result, json, same};
//! async fn a_change_of_status_survives(automator: &Client) -> Result<()> {
//!     let path = automator.any_task().await?;
//!     automator.patch(&path, json!({ "status": "in_progress" })).await?;
//!     let task = automator.get(&path).await?;
//!     same(&task["status"], "in_progress")
//! }
//! ```

use std::{ops::Index, time::Duration};

use serde::Serialize;
use serde_json::Value;
use url::Url;

pub use serde_json::json;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a pin is red.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not what it should be.
    #[error("expected {expected}, got {actual}")]
    Differs {
        /// What the pin wants.
        expected: Value,
        /// What came.
        actual: Value,
    },
    /// Two values stand in the wrong order.
    #[error("{first} stands before {second}")]
    OutOfOrder {
        /// What came first.
        first: Value,
        /// What came after it.
        second: Value,
    },
    /// There is no answer to look at.
    #[error("{0:#}")]
    NoAnswer(#[from] anyhow::Error),
}

/// Green or red.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A client of one Automator, with its token.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: String,
}

impl Client {
    /// A client of the Automator at `base`, e.g. `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// `base` is no URL.
    pub fn new(base: &str, token: &str) -> Result<Self> {
        let http = chassis::client::client(PATIENCE).map_err(anyhow::Error::from)?;
        let base = base.parse().map_err(anyhow::Error::from)?;
        Ok(Self { http, base, token: token.to_owned() })
    }

    /// `GET path`.
    ///
    /// # Errors
    /// No answer, or one that says that Automator is broken (5xx). A 404 or a 422 is an answer: look at its `status`.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        let url = self.base.join(path).map_err(anyhow::Error::from)?;
        self.send(self.http.get(url.clone()), url).await
    }

    /// `PATCH path` with the token.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn patch(&self, path: &str, body: Value) -> Result<Answer> {
        let url = self.base.join(path).map_err(anyhow::Error::from)?;
        let request = self.http.patch(url.clone()).bearer_auth(&self.token).json(&body);
        self.send(request, url).await
    }

    /// The page after `page`, which is an answer of [`Client::get`].
    ///
    /// # Errors
    /// As [`Client::get`]; it was the last page.
    pub async fn next(&self, page: &Answer) -> Result<Answer> {
        let cursor = page["next_cursor"].as_str();
        let cursor =
            cursor.ok_or_else(|| anyhow::anyhow!("{} is the last page, or none at all", page.url))?;
        let mut url = page.url.clone();
        url.query_pairs_mut().append_pair("cursor", cursor);
        self.send(self.http.get(url.clone()), url).await
    }

    /// The path of some task: `/api/tasks/…`. Which one, depends on the data.
    ///
    /// # Errors
    /// As [`Client::get`]; there is no task.
    pub async fn any_task(&self) -> Result<String> {
        let tasks = self.get("/api/tasks?limit=1").await?;
        let id = tasks["items"][0]["id"].as_str().ok_or_else(|| anyhow::anyhow!("there is no task"))?;
        Ok(format!("/api/tasks/{id}"))
    }

    async fn send(&self, request: reqwest::RequestBuilder, url: Url) -> Result<Answer> {
        let answer = request.send().await.map_err(anyhow::Error::from)?;
        let status = answer.status().as_u16();
        let text = answer.text().await.map_err(anyhow::Error::from)?;
        if status >= 500 {
            return Err(anyhow::anyhow!("{} answers {status}: {text}", url.path()).into());
        }
        Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null), url })
    }
}

/// What Automator said. Index it like the JSON that it carries: `answer["items"][0]["rank"]`; what is not there is `null`.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    body: Value,
    url: Url,
}

impl Answer {
    /// The elements of a page; none when it is no page.
    #[must_use]
    pub fn items(&self) -> &[Value] {
        self.body["items"].as_array().map(Vec::as_slice).unwrap_or_default()
    }
}

impl Index<&str> for Answer {
    type Output = Value;

    fn index(&self, key: &str) -> &Value {
        &self.body[key]
    }
}

/// Whether they are the same value, as JSON.
///
/// # Errors
/// [`Error::Differs`].
pub fn same(actual: impl Serialize, expected: impl Serialize) -> Result<()> {
    let (actual, expected) = (value(actual)?, value(expected)?);
    if actual == expected { Ok(()) } else { Err(Error::Differs { expected, actual }) }
}

/// Whether two texts stand in ascending order, or are equal. Times in JSON are such texts: earlier is less.
///
/// # Errors
/// [`Error::OutOfOrder`]; also when one of them is no text.
pub fn in_order(first: &Value, second: &Value) -> Result<()> {
    match (first.as_str(), second.as_str()) {
        (Some(one), Some(other)) if one <= other => Ok(()),
        _ => Err(Error::OutOfOrder { first: first.clone(), second: second.clone() }),
    }
}

fn value(from: impl Serialize) -> Result<Value> {
    Ok(serde_json::to_value(from).map_err(anyhow::Error::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_compares_json() {
        let task = json!({ "due_date": "2030-01-02", "rank": 6 });
        assert!(same(&task["due_date"], "2030-01-02").is_ok() && same(&task["rank"], 6).is_ok());
        let error = same(&task["gone"], "2030-01-02").unwrap_err();
        assert_eq!(error.to_string(), r#"expected "2030-01-02", got null"#);
    }

    #[test]
    fn in_order_wants_two_texts() {
        let (early, late) = (json!("2019-01-01T00:00:00Z"), json!("2019-01-02T00:00:00Z"));
        assert!(in_order(&early, &late).is_ok() && in_order(&early, &early).is_ok());
        assert!(in_order(&late, &early).is_err() && in_order(&Value::Null, &late).is_err());
    }
}
