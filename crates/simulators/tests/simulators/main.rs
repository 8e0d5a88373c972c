//! Every kind of call, through a real socket.
//!
//! Run with `cargo test --workspace --test simulators`.

#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here fails the test")]

mod control;
mod data;
mod github;
mod messages;
mod process;
mod webhooks;

use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use simulators::{Options, State};
use tokio::net::TcpListener;

/// Simulators of their own at a free port, and a client.
struct Simulators {
    url: String,
    client: reqwest::Client,
    items: usize,
}

impl Simulators {
    async fn start() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let state = State::new(options).unwrap();
        let items = state.items();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, simulators::router(state)).await });
        Self { url, client: chassis::client::client(Duration::from_secs(10)).unwrap(), items }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    fn graphql(&self, query: &str, variables: &Value) -> RequestBuilder {
        self.request(Method::POST, "/graphql")
            .bearer_auth(simulators::GITHUB_TOKEN)
            .json(&json!({"query": query, "variables": variables}))
    }

    /// The `data` of a query that has no errors.
    async fn ask(&self, query: &str, variables: &Value) -> Value {
        let answer = self.graphql(query, variables).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let mut body: Value = answer.json().await.unwrap();
        assert_eq!(body.get("errors"), None, "{body}");
        body["data"].take()
    }

    /// The whole body of a query.
    async fn ask_in_vain(&self, query: &str) -> Value {
        self.graphql(query, &json!({})).send().await.unwrap().json().await.unwrap()
    }

    async fn control(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let answer = self.request(method, &format!("/control/{path}")).json(body).send().await.unwrap();
        let status = answer.status();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    async fn fault(&self, fault: Value) {
        let (status, body) = self.control(Method::POST, "faults", &fault).await;
        assert_eq!(status, 201, "{body}");
    }

    async fn happens(&self, event: Value) -> Value {
        let (status, body) = self.control(Method::POST, "github/events", &event).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    async fn calls(&self, service: &str) -> Vec<Value> {
        let path = format!("calls?service={service}");
        let (_, mut body) = self.control(Method::GET, &path, &json!(null)).await;
        serde_json::from_value(body["calls"].take()).unwrap()
    }
}
