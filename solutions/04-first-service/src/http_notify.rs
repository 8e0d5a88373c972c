//! Exercise 04.1: what a call becomes when it leaves the process.
//!
//! Messages are a service now. Whoever sends one still calls the port `Notify`; here the call becomes a request over HTTP. In
//! the process it was done or it failed. Over a wire there is a third end: nobody knows. Nothing here is tried again: callers
//! have queues, and ask again later under the same key. What they need from you is to know how it ended.
//!
//! - done: 200 to 299 with a body that can be read
//! - refused, for good: 404, 409 and 422, in the service's own words
//! - not now, or unknown: everything else. The caller keeps the message and asks again
//! - the caller's time is up: `Fault::DeadlineExceeded`, wherever the service has stopped talking
//!
//! ```text
//! ctx.remaining()                                how long the caller waits still
//! timeout(duration, future).await                Err when it takes longer (tokio)
//! request.header("Idempotency-Key", &key.key)    the request, with a header
//! request.headers(ctx.headers())                 with who asks, in which trace, and how long they wait
//! request.send().await?                          the answer's head; answer.status(), answer.headers()
//! answer.bytes().await?                          its body, which comes later
//! serde_json::from_slice(&body)                  the body as a T
//! refused(&body)                                 the Fault that the service gives as its reason
//! not_now(why)                                   the Fault of a call that may work later; says why in the log
//! cargo workshop verify 04.1                     does it work?
//! ```

use std::fmt::Display;

use async_trait::async_trait;
use chassis::{
    Problem,
    auth::Secret,
    client::{self, under},
    ctx::DEFAULT_TIMEOUT,
};
use domain::{Message, Notification};
use reqwest::{RequestBuilder, Url};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use step_02_contracts::{Ctx, Fault, IdempotencyKey, Notify, Once};
use tokio::time::timeout;
use uuid::Uuid;

/// The header that marks an answer which was given before.
const REPLAYED: &str = "idempotent-replayed";

/// The port of messages, at the other end of a wire.
#[derive(Debug, Clone)]
pub struct HttpNotify {
    client: reqwest::Client,
    base: Url,
    token: Secret,
}

impl HttpNotify {
    /// The service at `base`, which lets in whoever shows `token`.
    ///
    /// # Errors
    /// No certificate store, in an image without CA bundle.
    pub fn new(base: Url, token: Secret) -> Result<Self, reqwest::Error> {
        Ok(Self { client: client::client(DEFAULT_TIMEOUT)?, base, token })
    }

    /// Sends a request under the client's `key`, if there is one; what the service answers, and whether it answered that before.
    async fn ask<T: DeserializeOwned>(
        &self,
        ctx: &Ctx,
        request: RequestBuilder,
        key: Option<&IdempotencyKey>,
    ) -> Result<(T, bool), Fault> {
        // begin 04.1
        let request = match key {
            Some(key) => request.header("Idempotency-Key", &key.key),
            None => request,
        };
        let exchange = async {
            let answer = request.headers(ctx.headers()).send().await?;
            let (status, replayed) = (answer.status(), answer.headers().contains_key(REPLAYED));
            Ok::<_, reqwest::Error>((status, replayed, answer.bytes().await?))
        };
        let ended = timeout(ctx.remaining(), exchange).await.map_err(|_| Fault::DeadlineExceeded)?;
        let (status, replayed, body) = ended.map_err(|error| not_now(error.without_url()))?;
        match status.as_u16() {
            200..=299 => Ok((serde_json::from_slice(&body).map_err(not_now)?, replayed)),
            404 | 409 | 422 => Err(refused(&body)),
            _ => Err(not_now(status)),
        }
        //| let answer = request.send().await.map_err(Fault::internal)?;
        //| let replayed = answer.headers().contains_key(REPLAYED);
        //| Ok((answer.json().await.map_err(Fault::internal)?, replayed))
        // end 04.1
    }

    /// A request for `segments` below `/internal/messages`.
    fn request(&self, method: reqwest::Method, segments: &[&str]) -> Result<RequestBuilder, Fault> {
        let path = [&["internal", "messages"], segments].concat();
        let url = under(&self.base, &path).ok_or_else(|| Fault::internal("NOTIFY_URL can have no path"))?;
        Ok(self.client.request(method, url).bearer_auth(self.token.expose()))
    }
}

#[async_trait]
impl Notify for HttpNotify {
    async fn send(
        &self,
        ctx: &Ctx,
        key: Option<IdempotencyKey>,
        messages: Vec<Message>,
    ) -> Result<Once<Vec<Notification>>, Fault> {
        let client =
            key.as_ref().map(|key| ClientRequest { route: &key.route, fingerprint: &key.fingerprint });
        let batch = Batch { messages: &messages, request: client };
        let request = self.request(reqwest::Method::POST, &[])?.json(&batch);
        let (queued, replayed) = self.ask::<Queued>(ctx, request, key.as_ref()).await?;
        Ok(Once { value: queued.notifications, replayed })
    }

    async fn find(&self, ctx: &Ctx, id: Uuid) -> Result<Notification, Fault> {
        let request = self.request(reqwest::Method::GET, &[&id.to_string()])?;
        Ok(self.ask(ctx, request, None).await?.0)
    }
}

/// The fault that the service gives as its reason; one that gives none is not well.
fn refused(body: &[u8]) -> Fault {
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => problem.into(),
        Err(_) => not_now("it refuses, and does not say why"),
    }
}

/// The fault of a call that may work later.
fn not_now(why: impl Display) -> Fault {
    tracing::warn!(%why, "notify did not take it");
    Fault::Unavailable("notify".to_owned())
}

/// What the service is asked to queue.
#[derive(Serialize)]
struct Batch<'a> {
    messages: &'a [Message],
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<ClientRequest<'a>>,
}

/// The request of a client that it comes of, for the service to know it again.
#[derive(Serialize)]
struct ClientRequest<'a> {
    route: &'a str,
    fingerprint: &'a str,
}

/// What it has queued.
#[derive(Deserialize)]
struct Queued {
    notifications: Vec<Notification>,
}
