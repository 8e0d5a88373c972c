//! Bodies on their way through: never whole in memory, never without an end.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use crate::upstream::Lease;

/// What ends a body before its end.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// A request's body on its way to an upstream.
#[derive(Debug, Default)]
pub struct Upload {
    body: Option<Incoming>,
    left: u64,
    exceeded: Exceeded,
}

/// Whether a body turned out longer than its route takes.
#[derive(Debug, Clone, Default)]
pub struct Exceeded(Option<Arc<AtomicBool>>);

impl Exceeded {
    /// Whether it has.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.as_ref().is_some_and(|exceeded| exceeded.load(Ordering::Relaxed))
    }
}

impl Upload {
    /// `body`, of which at most `limit` bytes pass.
    #[must_use]
    pub fn new(body: Incoming, limit: u64) -> Self {
        if body.is_end_stream() {
            return Self::default();
        }
        // One that announces its length can be no longer.
        let announced = body.size_hint().exact().is_some();
        let exceeded = Exceeded((!announced).then(Arc::default));
        Self { body: Some(body), left: limit, exceeded }
    }

    /// Tells, later, whether the body was too long.
    #[must_use]
    pub fn exceeded(&self) -> Exceeded {
        self.exceeded.clone()
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(cx)).transpose()?;
        let length = frame.as_ref().and_then(Frame::data_ref).map_or(0, |data| data.len() as u64);
        let Some(left) = self.left.checked_sub(length) else {
            if let Some(exceeded) = &self.exceeded.0 {
                exceeded.store(true, Ordering::Relaxed);
            }
            return Poll::Ready(Some(Err("the body is too long".into())));
        };
        self.left = left;
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// An upstream's body as it comes. At its end the connection is given back; when nothing comes for too long, it ends.
#[derive(Debug)]
pub struct Passed {
    body: Incoming,
    lease: Option<Lease<Upload>>,
    patience: Duration,
    /// Made when there is something to wait for: most answers are there at once.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Passed {
    /// `body`, for which nobody waits longer than `patience` at a time.
    #[must_use]
    pub fn new(body: Incoming, lease: Lease<Upload>, patience: Duration) -> Self {
        let mut passed = Self { body, lease: Some(lease), patience, waiting: None };
        passed.give_back_at_end();
        passed
    }

    fn give_back_at_end(&mut self) {
        if self.body.is_end_stream()
            && let Some(lease) = self.lease.take()
        {
            lease.give_back();
        }
    }

    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let patience = self.patience;
        self.waiting.get_or_insert_with(|| Box::pin(sleep(patience))).as_mut().poll(cx)
    }
}

impl Body for Passed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            ready!(self.poll_waiting(cx));
            return Poll::Ready(Some(Err("the upstream fell silent in its answer".into())));
        };
        let patience = self.patience;
        if let Some(waiting) = &mut self.waiting {
            waiting.as_mut().reset(Instant::now() + patience);
        }
        match frame.transpose()? {
            Some(frame) => {
                self.give_back_at_end();
                Poll::Ready(Some(Ok(frame)))
            }
            None => {
                if let Some(lease) = self.lease.take() {
                    lease.give_back();
                }
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
