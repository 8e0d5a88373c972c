//! A request to the system under test.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use reqwest::Method;
use serde_json::Value;

use crate::Answer;

/// How many exchanges the report of a failure shows.
const KEPT: usize = 8;

/// The last exchanges, for the report of a failure.
#[derive(Clone, Default)]
pub(crate) struct Exchanges(Arc<Mutex<VecDeque<String>>>);

impl Exchanges {
    fn push(&self, exchange: String) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(exchange);
    }

    pub(crate) fn report(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().map(|exchange| format!("  {exchange}\n")).collect()
    }
}

/// A request, sent by awaiting it.
#[must_use = "a request is sent by `.await`"]
pub struct Request {
    client: reqwest::Client,
    method: Method,
    url: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    exchanges: Exchanges,
}

impl Request {
    pub(crate) fn new(
        client: &reqwest::Client,
        base: &str,
        method: Method,
        path: &str,
        exchanges: &Exchanges,
    ) -> Self {
        Self {
            client: client.clone(),
            method,
            url: format!("{base}{path}"),
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
            exchanges: exchanges.clone(),
        }
    }

    /// Sets a header, in place of one that is there.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Takes a header away.
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// Shows another token than the right one.
    pub fn token(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Shows no token.
    pub fn without_token(self) -> Self {
        self.without("authorization")
    }

    /// Only if the resource still has this version.
    pub fn if_match(self, version: i64) -> Self {
        self.header("if-match", format!("\"{version}\""))
    }

    /// A repeat with the same key answers the first result.
    pub fn idempotency_key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// The body, as JSON.
    pub fn json(self, body: &Value) -> Self {
        self.text("application/json", body.to_string())
    }

    /// The body, as anything.
    pub fn text(mut self, content_type: &str, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self.header("content-type", content_type)
    }

    /// Sends it.
    ///
    /// # Errors
    /// No whole answer came: refused, cut, too late.
    pub async fn send(self) -> Result<Answer, reqwest::Error> {
        let shown = match &self.body {
            Some(body) => format!("{} {} {}", self.method, self.path, shortened(body, 300)),
            None => format!("{} {}", self.method, self.path),
        };
        let sent = async {
            let mut request = self.client.request(self.method, &self.url);
            for (name, value) in &self.headers {
                request = request.header(name, value);
            }
            if let Some(body) = self.body {
                request = request.body(body);
            }
            let response = request.send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Ok((status, headers, response.text().await?))
        }
        .await;
        match sent {
            Ok((status, headers, text)) => {
                self.exchanges.push(format!("{shown}\n    → {status} {}", shortened(&text, 600)));
                let body = serde_json::from_str(&text).unwrap_or(Value::Null);
                Ok(Answer { request: shown, status, headers, body, text })
            }
            Err(error) => {
                self.exchanges.push(format!("{shown}\n    → no answer: {}", why(&error)));
                Err(error)
            }
        }
    }
}

impl IntoFuture for Request {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    /// Sends it; panics when no answer comes. [`Request::send`] is for those who expect that.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async {
            let shown = format!("{} {}", self.method, self.path);
            self.send().await.unwrap_or_else(|error| panic!("{shown}: no answer: {}", why(&error)))
        })
    }
}

/// The error with its causes: reqwest's own text leaves them out.
fn why(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn shortened(text: &str, length: usize) -> String {
    let mut short: String = text.chars().take(length).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short.replace('\n', " ")
}
