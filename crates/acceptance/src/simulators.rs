//! The outside world of a scenario: GitHub, SendGrid and Twilio, as `crates/simulators` plays them.

use reqwest::Method;
use serde_json::Value;

use crate::{Request, request::Exchanges};

/// The control routes of the simulators.
pub struct Simulators {
    client: reqwest::Client,
    base: String,
    exchanges: Exchanges,
}

impl Simulators {
    pub(crate) fn new(client: &reqwest::Client, base: &str, exchanges: &Exchanges) -> Self {
        Self { client: client.clone(), base: base.to_owned(), exchanges: exchanges.clone() }
    }

    /// `GET path` at the simulators.
    pub fn get(&self, path: &str) -> Request {
        Request::new(&self.client, &self.base, Method::GET, path, &self.exchanges)
    }

    /// `POST path` at the simulators.
    pub fn post(&self, path: &str, body: &Value) -> Request {
        Request::new(&self.client, &self.base, Method::POST, path, &self.exchanges).json(body)
    }

    /// From now on nothing fails any more: `DELETE /control/faults`.
    pub fn heal(&self) -> Request {
        Request::new(&self.client, &self.base, Method::DELETE, "/control/faults", &self.exchanges)
    }

    /// Something happens on GitHub: `POST /control/github/events`. The simulator sends the webhook.
    pub fn event(&self, event: &Value) -> Request {
        self.post("/control/github/events", event)
    }

    /// From now on something fails: `POST /control/faults`.
    pub fn fault(&self, fault: &Value) -> Request {
        self.post("/control/faults", fault)
    }

    /// The calls of a service that it answered with success, oldest first.
    pub async fn taken(&self, service: &str) -> Vec<Value> {
        let calls = self.get(&format!("/control/calls?service={service}")).await.is(200);
        let calls = calls["calls"].as_array().cloned().unwrap_or_default();
        calls.into_iter().filter(|call| call["status"].as_i64().is_some_and(|status| status < 300)).collect()
    }

    /// What the simulators were asked so far: `GET /control/calls`.
    pub fn calls(&self) -> Request {
        self.get("/control/calls")
    }
}
