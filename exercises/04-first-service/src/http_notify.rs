//! Exercise 04.1: what a call becomes when it leaves the process.
//!
//! Messages are a service now. Whoever sends one still calls the port `Notify`; here the call becomes a request over HTTP. In
//! the process it was done or it failed. Over a wire there is a third end: nobody knows. Nothing here is tried again: callers
//! have queues, and ask again later under the same key. What they need from you is to know how it ended.
//!
//! - done: 200 to 299 with a body that can be read
//! - refused, for good: 404, 409 and 422, in the service's own words
//! - not now, or unknown, one fault for both: all else, even 400, 401 and a limit of our client. The caller keeps the message
//! - the caller's time is up: `Fault::DeadlineExceeded`, wherever the service has stopped talking
//!
//! One call is one request. No fault and no line of the log says where the service is, or with which token it is asked.
//!
//! ```text
//! ctx.remaining()                                how long the caller waits still
//! timeout(duration, future).await                Err when it takes longer (tokio)
//! request.header("Idempotency-Key", &key.key)    the request, with a header
//! request.headers(ctx.headers())                 with who asks, in which trace, and how long they wait
//! request.send().await?                          the answer's head; answer.status(), answer.headers()
//! answer.bytes().await?                          its body, which comes later
//! serde_json::from_slice(&body)                  the body as a T
//! self.refused(&body)                            the Fault that the service gives as its reason
//! self.not_now(why)                              the Fault of a call that may work later; logs why: error.without_url()
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
use reqwest::{Method, RequestBuilder, Url};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use step_02_contracts::{Ctx, Fault, IdempotencyKey, Notify, Once};
use tokio::time::timeout;
use uuid::Uuid;

/// The header that marks an answer which was given before.
const REPLAYED: &str = "idempotent-replayed";

/// A service of ours, at the other end of a wire.
#[derive(Debug, Clone)]
pub struct Service {
    name: &'static str,
    client: reqwest::Client,
    base: Url,
    token: Secret,
}

impl Service {
    /// The service `name` at `base`, which lets in whoever shows `token`.
    ///
    /// # Errors
    /// No certificate store, in an image without CA bundle.
    pub fn new(name: &'static str, base: Url, token: Secret) -> Result<Self, reqwest::Error> {
        Ok(Self { name, client: client::client(DEFAULT_TIMEOUT)?, base, token })
    }

    /// Sends a request under the client's `key`, if there is one; what the service answers, and whether it answered that before.
    ///
    /// # Errors
    /// Why it refuses it; [`Fault::Unavailable`] when nobody knows, [`Fault::DeadlineExceeded`] when the caller's time is up.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        ctx: &Ctx,
        request: RequestBuilder,
        key: Option<&IdempotencyKey>,
    ) -> Result<(T, bool), Fault> {
        let answer = request.send().await.map_err(Fault::internal)?;
        let replayed = answer.headers().contains_key(REPLAYED);
        Ok((answer.json().await.map_err(Fault::internal)?, replayed))
    }

    /// A request for what is at `/internal/…`.
    ///
    /// # Errors
    /// [`Fault::Internal`] for a service whose address can have no path.
    pub fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder, Fault> {
        let path = [&["internal"], path].concat();
        let url = under(&self.base, &path).ok_or_else(|| Fault::internal("an address without paths"))?;
        Ok(self.client.request(method, url).bearer_auth(self.token.expose()))
    }

    /// The fault that the service gives as its reason; one that gives none is not well.
    fn refused(&self, body: &[u8]) -> Fault {
        match serde_json::from_slice::<Problem>(body) {
            Ok(problem) => problem.into(),
            Err(_) => self.not_now("it refuses, and does not say why"),
        }
    }

    /// The fault of a call that may work later.
    fn not_now(&self, why: impl Display) -> Fault {
        tracing::warn!(service = self.name, %why, "a service did not do what it was asked");
        Fault::Unavailable(self.name.to_owned())
    }
}

/// The port of messages, over a wire.
#[derive(Debug, Clone)]
pub struct HttpNotify(Service);

impl HttpNotify {
    /// The service at `base`, which lets in whoever shows `token`.
    ///
    /// # Errors
    /// As [`Service::new`].
    pub fn new(base: Url, token: Secret) -> Result<Self, reqwest::Error> {
        Service::new("notify", base, token).map(Self)
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
        let request = self.0.request(Method::POST, &["messages"])?.json(&batch);
        let (queued, replayed) = self.0.ask::<Queued>(ctx, request, key.as_ref()).await?;
        Ok(Once { value: queued.notifications, replayed })
    }

    async fn find(&self, ctx: &Ctx, id: Uuid) -> Result<Notification, Fault> {
        let request = self.0.request(Method::GET, &["messages", &id.to_string()])?;
        Ok(self.0.ask(ctx, request, None).await?.0)
    }
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
