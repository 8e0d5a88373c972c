//! What the shadow of a route is given: a copy of each answer, and somebody to ask the second upstream.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, StatusCode, header, response};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, SizeHint};
use kit_03_strangler::{Answer, Asker, Asking, Counts, Ignore, Offer, Unanswered};

use proxy::{
    body::{Error, Passed, Upload},
    upstream::Upstream,
};

use crate::pieces::shadow::Shadow;

/// The longest answer that is compared, in bytes.
const LONGEST: usize = 1 << 20;
/// How many offers wait at most for the second upstream: a bound for memory, together with [`LONGEST`].
const PLACES: usize = 64;

/// The shadow of a route, at work for as long as this lives.
pub struct Shadowing {
    shadow: Arc<Shadow>,
    rule: ShadowRule,
}

/// What a route says of its shadow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowRule {
    /// The second upstream: host and port.
    pub authority: String,
    /// How long it has for an answer.
    pub deadline: Duration,
    /// What may differ.
    pub ignore: Ignore,
}

impl Shadowing {
    /// Begins to work, on the runtime that it is called on.
    #[must_use]
    pub fn begin(rule: ShadowRule, second: Arc<Upstream<Upload>>) -> Self {
        let asker = Arc::new(Second(second));
        let shadow = Arc::new(Shadow::new(asker, PLACES, rule.deadline, rule.ignore.clone()));
        let works = Arc::clone(&shadow);
        tokio::spawn(async move { works.run().await });
        Self { shadow, rule }
    }

    /// What it was begun with.
    #[must_use]
    pub fn rule(&self) -> &ShadowRule {
        &self.rule
    }

    /// Where the count stands.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shadow.counts()
    }

    /// Notes a request before it is sent. Its answer is added when it is there.
    #[must_use]
    pub fn note(&self, method: &Method, path_and_query: &str, headers: &HeaderMap) -> Note {
        let answer = Answer { status: StatusCode::OK, content_type: None, body: Bytes::new() };
        let (method, path_and_query) = (method.clone(), path_and_query.to_owned());
        let offer = Offer { method, path_and_query, headers: headers.clone(), answer };
        Note { shadow: Arc::clone(&self.shadow), offer }
    }
}

impl fmt::Debug for Shadowing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shadowing").field("rule", &self.rule).finish_non_exhaustive()
    }
}

impl Drop for Shadowing {
    fn drop(&mut self) {
        self.shadow.stop();
    }
}

/// A request whose answer is on its way.
pub struct Note {
    shadow: Arc<Shadow>,
    offer: Offer,
}

impl Note {
    /// Its answer begins. An answer that is coded (compressed, say) cannot be compared, so it is only counted.
    #[must_use]
    pub fn answered(mut self, head: &response::Parts) -> Option<Self> {
        if head.headers.contains_key(header::CONTENT_ENCODING) {
            self.shadow.skip();
            return None;
        }
        self.offer.answer.status = head.status;
        self.offer.answer.content_type = content_type(&head.headers);
        Some(self)
    }

    /// Its answer has no body, or is complete.
    pub async fn offer(self) {
        self.shadow.offer(self.offer).await;
    }
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    Some(String::from_utf8_lossy(headers.get(header::CONTENT_TYPE)?.as_bytes()).into_owned())
}

/// Asks the second upstream.
struct Second(Arc<Upstream<Upload>>);

impl Asker for Second {
    fn ask<'a>(&'a self, offer: &'a Offer) -> Asking<'a> {
        Box::pin(async move {
            let unanswered = |error: &dyn fmt::Display| Unanswered(error.to_string());
            let mut request = Request::new(Upload::default());
            *request.method_mut() = offer.method.clone();
            *request.uri_mut() = offer.path_and_query.parse().map_err(|error| unanswered(&error))?;
            *request.headers_mut() = offer.headers.clone();
            request.headers_mut().remove(header::ACCEPT_ENCODING);
            let (answer, lease) = self.0.send(request).await.map_err(|error| unanswered(&error))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, LONGEST).collect().await.map_err(|error| unanswered(&error))?;
            lease.give_back();
            let content_type = content_type(&head.headers);
            Ok(Answer { status: head.status, content_type, body: body.to_bytes() })
        })
    }
}

/// A body that is copied as it passes. Its last part is held back until the copy was offered.
pub struct Copied {
    body: Passed,
    note: Option<Note>,
    copy: BytesMut,
    offering: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    last: Option<Frame<Bytes>>,
}

impl Copied {
    /// `body`, the answer to what was noted.
    #[must_use]
    pub fn new(body: Passed, note: Note) -> Self {
        Self { body, note: Some(note), copy: BytesMut::new(), offering: None, last: None }
    }

    fn copy(&mut self, frame: &Frame<Bytes>) {
        let (Some(data), Some(note)) = (frame.data_ref(), &self.note) else { return };
        if self.copy.len() + data.len() > LONGEST {
            note.shadow.skip();
            self.note = None;
            self.copy = BytesMut::new();
        } else {
            self.copy.extend_from_slice(data);
        }
    }

    fn complete(&mut self) {
        let copy = std::mem::take(&mut self.copy).freeze();
        self.offering = self.note.take().map(|mut note| {
            note.offer.answer.body = copy;
            Box::pin(note.offer()) as Pin<Box<_>>
        });
    }
}

impl Body for Copied {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        loop {
            if let Some(offering) = &mut self.offering {
                ready!(offering.as_mut().poll(cx));
                self.offering = None;
            }
            if let Some(last) = self.last.take() {
                return Poll::Ready(Some(Ok(last)));
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)?) {
                Some(frame) => {
                    self.copy(&frame);
                    if !self.body.is_end_stream() {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                    self.last = Some(frame);
                    self.complete();
                }
                None if self.note.is_some() => self.complete(),
                None => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.note.is_none() && self.offering.is_none() && self.last.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.last {
            Some(frame) => SizeHint::with_exact(frame.data_ref().map_or(0, |data| data.len() as u64)),
            None => self.body.size_hint(),
        }
    }
}

impl fmt::Debug for Copied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Copied").field("body", &self.body).finish_non_exhaustive()
    }
}
