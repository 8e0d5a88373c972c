//! The process `feed` as a carrier, over HTTP. The position beside the effect is all that counts: the feed does not know its readers.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chassis::{Ctx, Fault, auth::Secret, event::Recorded};
use reqwest::Method;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use step_04_client::pieces::http_notify::Service;

use super::{Delivered, Feed, Read, Reader};

/// The process `feed`.
#[derive(Debug, Clone)]
pub struct Embedded(Service);

impl Embedded {
    /// The process at `url`, which lets in whoever shows `token`.
    ///
    /// # Errors
    /// No certificate store, in an image without CA bundle.
    pub fn new(url: reqwest::Url, token: Secret) -> Result<Self, reqwest::Error> {
        Service::new("the feed", url, token).map(Self)
    }
}

#[derive(Serialize)]
struct Append<'a> {
    messages: &'a [Recorded],
}

#[derive(Serialize)]
struct Ask<'a> {
    after: i64,
    feed: Option<&'a str>,
    wants: &'a str,
    limit: usize,
    wait_ms: u128,
}

#[derive(Deserialize)]
struct Answer {
    feed: Arc<str>,
    messages: Vec<Placed>,
}

#[derive(Deserialize)]
struct Placed {
    position: i64,
    message: Recorded,
}

#[derive(Deserialize)]
struct Count {
    count: i64,
}

impl Embedded {
    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        ctx: &Ctx,
        path: &[&str],
        reader: &Reader,
        (limit, wait): (usize, Duration),
    ) -> Result<T, Fault> {
        let wants = reader.wants.join(",");
        let (after, feed) = (reader.after.position, reader.after.feed.as_deref());
        let ask = Ask { after, feed, wants: &wants, limit, wait_ms: wait.as_millis() };
        let request = self.0.request(Method::GET, path)?.query(&ask);
        Ok(self.0.ask(ctx, request, None).await?.0)
    }
}

#[async_trait]
impl Feed for Embedded {
    async fn publish(&self, ctx: &Ctx, messages: &[Recorded]) -> Result<(), Fault> {
        if messages.is_empty() {
            return Ok(());
        }
        let request = self.0.request(Method::POST, &["feed"])?.json(&Append { messages });
        self.0.ask::<IgnoredAny>(ctx, request, None).await.map(drop)
    }

    async fn read(&self, ctx: &Ctx, reader: &Reader, limit: usize) -> Result<Read, Fault> {
        let Answer { feed, messages } = self.ask(ctx, &["feed"], reader, (limit, reader.wait)).await?;
        let delivered = |Placed { position, message }| {
            let (feed, message) = (feed.clone(), Arc::new(message));
            Delivered { feed, position, message, handle: None }
        };
        let messages = messages.into_iter().map(delivered).collect();
        Ok(Read { feed, messages, unreadable: None })
    }

    async fn done(&self, _: &Ctx, _: &Delivered) -> Result<(), Fault> {
        Ok(())
    }

    async fn behind(&self, ctx: &Ctx, reader: &Reader) -> Result<i64, Fault> {
        let count: Count = self.ask(ctx, &["feed", "count"], reader, (1, Duration::ZERO)).await?;
        Ok(count.count)
    }
}
