//! What happens on GitHub, as a scenario makes it happen.

use serde_json::{Value, json};

use crate::{Answer, App, Request, eventually};

/// A webhook that GitHub would send. It may be delivered late, twice, or never.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Headers as GitHub sets them, signature included.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte what the signature is about.
    pub body: String,
}

impl Delivery {
    /// The payload.
    ///
    /// # Panics
    /// It is no JSON, which the simulator never sends by itself.
    #[must_use]
    pub fn payload(&self) -> Value {
        serde_json::from_str(&self.body).expect("a payload is JSON")
    }

    /// The number of the item that it is about.
    ///
    /// # Panics
    /// It is about none.
    #[must_use]
    pub fn number(&self) -> i64 {
        let payload = self.payload();
        let number = payload["issue"]["number"].as_i64().or(payload["pull_request"]["number"].as_i64());
        number.unwrap_or_else(|| panic!("expected an item in {payload}"))
    }
}

impl App {
    /// Something happens on GitHub (fields: see `POST /control/github/events` of the simulators) and nobody has been told
    /// yet.
    ///
    /// # Panics
    /// The simulator refuses.
    pub async fn happens(&self, event: Value) -> Delivery {
        let told = self.simulators().event(&event).await.is(200);
        let headers = told["headers"].as_object().expect("a delivery has headers");
        let text = |value: &Value| value.as_str().expect("headers and body are text").to_owned();
        Delivery {
            headers: headers.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
            body: text(&told["body"]),
        }
    }

    /// The request that delivers a webhook. Sending it twice is a redelivery.
    pub fn delivery(&self, delivery: &Delivery) -> Request {
        let request = self.request(reqwest::Method::POST, "/webhooks/github");
        delivery
            .headers
            .iter()
            .fold(request, |request, (name, value)| request.header(name, value.as_str()))
            .text("application/json", delivery.body.as_str())
    }

    /// Something happens on GitHub, and Automator is told; the delivery.
    ///
    /// # Panics
    /// The webhook is not acknowledged.
    pub async fn told(&self, event: Value) -> Delivery {
        let delivery = self.happens(event).await;
        let _ = self.delivery(&delivery).await.is(202);
        delivery
    }

    /// The item of that number in a repository.
    pub async fn item(&self, repository: &str, number: i64) -> Answer {
        self.get(&format!("/api/items/{repository}/{number}")).await.is(200)
    }

    /// The open task about an item, with its rank: a consequence of whatever opened the item.
    ///
    /// # Panics
    /// There is none within 10 s.
    pub async fn task(&self, key: &str) -> Value {
        eventually(&format!("{key} has a task"), async || self.task_about(key).await).await
    }

    /// Waits until an item has no open task: a consequence of whatever closed the item.
    ///
    /// # Panics
    /// There is one for longer than 10 s.
    pub async fn no_task(&self, key: &str) {
        let is_gone = async || self.task_about(key).await.is_none().then_some(());
        eventually(&format!("{key} has no task"), is_gone).await;
    }

    /// Waits until whatever was told before about `repository` has had its consequences for tasks: what is told after it
    /// has had its own, and order per repository is kept. The way to prove that nothing happened.
    pub async fn marker(&self, repository: &str) {
        let event =
            json!({ "action": "opened", "repository": repository, "author": "marker", "title": "a marker" });
        let number = self.told(event).await.number();
        let _ = self.task(&format!("{repository}#{number}")).await;
    }

    /// The open task about an item, with its rank; `None` when there is none now.
    pub async fn task_about(&self, key: &str) -> Option<Value> {
        let tasks = self.all("/api/tasks?limit=100").await;
        tasks.into_iter().find(|task| task["item"]["key"] == key)
    }

    /// Kills every process but the simulators without a word and starts them again: a power cut.
    ///
    /// # Panics
    /// One of them does not come back.
    pub fn power_cut(&self) {
        for process in self.servers().rev() {
            self.platform().kill(process).expect("it was running");
        }
        self.start_again();
    }

    /// Asks every process but the simulators to stop, those in front first, as for a planned restart.
    ///
    /// # Panics
    /// One of them does not stop in time, or with a failure.
    pub fn stop(&self) {
        for process in self.servers().rev() {
            self.platform().terminate(process).expect("it stops in time, and well");
        }
    }

    /// Starts what [`App::stop`] has stopped.
    ///
    /// # Panics
    /// One of them does not come back.
    pub fn start_again(&self) {
        for process in self.servers() {
            self.platform().start_again(process).expect("it comes back");
        }
    }

    /// What is ours and lasts, each after those that it waits for.
    fn servers(&self) -> impl DoubleEndedIterator<Item = &str> {
        let ours = self.platform().definition().processes.iter();
        ours.filter(|process| !process.once && process.name != "simulators")
            .map(|process| process.name.as_str())
    }
}
