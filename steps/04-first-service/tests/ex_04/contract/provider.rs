//! The real service, asked what the contract says.

use std::time::Duration;

use acceptance::{
    App, Database, SERVICE_TOKEN, Step, eventually,
    harness::{Fault, Proxy},
    reqwest::{Client, Method},
    serde_json::{Value, json},
    tokio::runtime,
};
use uuid::Uuid;

use super::{
    file::{Contract, Interaction},
    shape::{self, Filling},
};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// A number to which Twilio sends nothing: whoever has it has unsubscribed.
const UNSUBSCRIBED: &str = "+15005550004";

/// `notify` behind a proxy, which can make another version of it.
pub(super) struct Provider {
    client: Client,
    proxy: Proxy,
    /// The message of the state "a failed message".
    failed: Uuid,
}

/// Runs `test` on the real service.
pub(super) fn with_provider(test: impl AsyncFnOnce(&Provider)) {
    let step =
        Step { number: "04", binary: env!("CARGO_BIN_EXE_system-04"), folder: env!("CARGO_MANIFEST_DIR") };
    let app = Database::sqlite().and_then(|database| App::start(&step, database, |options| options));
    let app = app.expect("the system starts");
    let runtime = runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let provider = Provider::of(&app).await;
        test(&provider).await;
    });
}

impl Provider {
    async fn of(app: &App) -> Self {
        let url = app.system().url("notify").expect("notify listens");
        let proxy = Proxy::start(url).await.expect("a port");
        let client = Client::builder().timeout(PATIENCE).build().expect("a client");
        Self { client, proxy, failed: failed(app).await }
    }

    /// Where `notify` does not do what `contract` says, in words; nothing when it does.
    pub(super) async fn breaches(&self, contract: &Contract) -> Vec<String> {
        let mut breaches = Vec::new();
        for interaction in &contract.interactions {
            let found = self.differs(interaction).await;
            breaches.extend(found.into_iter().map(|what| format!("{:?}: {what}", interaction.name)));
        }
        breaches
    }

    /// What a version of `notify` that does `fault` breaks that is not broken `before`.
    pub(super) async fn broken_by(
        &self,
        fault: Fault,
        contract: &Contract,
        before: &[String],
    ) -> Vec<String> {
        self.proxy.add(fault);
        let mut breaches = self.breaches(contract).await;
        self.proxy.clear();
        breaches.retain(|breach| !before.contains(breach));
        breaches
    }

    async fn differs(&self, interaction: &Interaction) -> Vec<String> {
        let mut filling = Filling::new();
        if interaction.state == "a failed message" {
            filling.id = self.failed;
        }
        let (path, body) = interaction.filled(&filling);
        let (status, answer) = self.ask(&interaction.method, &path, &body).await;
        if status != interaction.status {
            return vec![format!("it answers {status} and not {}", interaction.status)];
        }
        shape::breaches(&interaction.answers, &answer)
    }

    /// The status and the body of an answer; no body where it is no JSON.
    async fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let method: Method = method.parse().expect("the file has GET and POST only");
        let url = format!("{}{path}", self.proxy.url());
        let mut request = self.client.request(method, url).bearer_auth(SERVICE_TOKEN);
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await.expect("notify answers");
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }
}

/// A text message that Twilio has refused.
async fn failed(app: &App) -> Uuid {
    let id = Uuid::now_v7();
    let message = json!({
        "id": id, "key": id, "channel": "sms", "sender": null, "to": UNSUBSCRIBED, "subject": null, "body": "x"
    });
    let send = app.request_to("notify", Method::POST, "/internal/messages").token(SERVICE_TOKEN);
    let _ = send.json(&json!({ "messages": [message] })).await.is(202);
    let path = format!("/internal/messages/{id}");
    eventually("Twilio has refused the message", async || {
        let found = app.request_to("notify", Method::GET, &path).token(SERVICE_TOKEN).await.is(200);
        (found["status"] == "failed").then_some(())
    })
    .await;
    id
}
