//! Bodies on their way through: never whole in memory, never without an end, and together never more than a budget.

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

use crate::{
    budget::{Budget, Spender},
    upstream::Lease,
};

/// What ends a body before its end.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// A request's body on its way to an upstream.
#[derive(Debug)]
pub struct Upload<B = Incoming> {
    body: Option<Sending<B>>,
    trouble: Trouble,
}

#[derive(Debug)]
struct Sending<B> {
    body: B,
    left: u64,
    spender: Spender,
    /// Read, and waiting for room.
    piece: Option<Bytes>,
}

/// What went wrong with a body on its way. Whoever waits for the upstream's answer would take it for the upstream's fault.
#[derive(Debug, Clone, Default)]
pub struct Trouble(Option<Arc<Noted>>);

#[derive(Debug)]
struct Noted {
    limit: u64,
    too_large: AtomicBool,
    incomplete: AtomicBool,
}

impl Trouble {
    /// What the client is to be told, if something went wrong.
    #[must_use]
    pub fn error(&self) -> Option<crate::Error> {
        let noted = self.0.as_ref()?;
        if noted.too_large.load(Ordering::Relaxed) {
            Some(crate::Error::TooLarge(noted.limit))
        } else {
            noted.incomplete.load(Ordering::Relaxed).then_some(crate::Error::Incomplete)
        }
    }

    fn note(&self, which: impl Fn(&Noted) -> &AtomicBool) {
        if let Some(noted) = &self.0 {
            which(noted).store(true, Ordering::Relaxed);
        }
    }
}

impl<B> Default for Upload<B> {
    /// No body.
    fn default() -> Self {
        Self { body: None, trouble: Trouble::default() }
    }
}

impl<B: Body> Upload<B> {
    /// `body`, of which at most `limit` bytes pass, within `budget`.
    #[must_use]
    pub fn new(body: B, limit: u64, budget: &Budget) -> Self {
        if body.is_end_stream() {
            return Self::default();
        }
        let (too_large, incomplete) = (AtomicBool::default(), AtomicBool::default());
        let sending = Sending { body, left: limit, spender: budget.spender(), piece: None };
        Self { body: Some(sending), trouble: Trouble(Some(Arc::new(Noted { limit, too_large, incomplete }))) }
    }

    /// Tells, later, whether something went wrong with it.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        self.trouble.clone()
    }
}

impl<B: Body<Data = Bytes, Error: Into<Error>> + Unpin> Body for Upload<B> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Self { body, trouble } = &mut *self;
        let Some(sending) = body else { return Poll::Ready(None) };
        if sending.piece.is_none() {
            let frame = match ready!(Pin::new(&mut sending.body).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Ok(frame)) => frame,
                Some(Err(error)) => {
                    trouble.note(|noted| &noted.incomplete);
                    return Poll::Ready(Some(Err(error.into())));
                }
            };
            let piece = match frame.into_data() {
                Ok(piece) => piece,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            };
            let Some(left) = sending.left.checked_sub(piece.len() as u64) else {
                trouble.note(|noted| &noted.too_large);
                return Poll::Ready(Some(Err("the body is too long".into())));
            };
            sending.left = left;
            sending.piece = Some(piece);
        }
        let Some(piece) = &sending.piece else { return Poll::Ready(None) };
        let spent = ready!(sending.spender.poll_spend(piece, cx));
        sending.piece = None;
        Poll::Ready(Some(Ok(Frame::data(spent))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(|sending| sending.piece.is_none() && sending.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), |sending| sending.body.size_hint())
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

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, convert::Infallible};

    use super::*;

    /// A body in these pieces.
    struct Pieces(VecDeque<&'static str>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece.into()))))
        }
    }

    fn upload(pieces: &[&'static str], budget: &Budget) -> Upload<Pieces> {
        Upload::new(Pieces(pieces.iter().copied().collect()), 1_000, budget)
    }

    /// The next piece; none when it has to wait.
    fn next(upload: &mut Upload<Pieces>) -> Option<Bytes> {
        let polled = Pin::new(upload).poll_frame(&mut Context::from_waker(std::task::Waker::noop()));
        let Poll::Ready(frame) = polled else { return None };
        Some(frame.unwrap().unwrap().into_data().unwrap())
    }

    #[test]
    fn what_is_not_sent_yet_keeps_others_from_being_read() {
        let budget = Budget::new(10);
        let (mut one, mut other) = (upload(&["123456", "7890"], &budget), upload(&["abcdef"], &budget));
        let held = next(&mut one).unwrap();
        assert_eq!(next(&mut other), None, "there is no room");
        assert!(!other.is_end_stream(), "a piece that was read is not lost");
        let copy = held.slice(3..);
        drop(held);
        assert_eq!(next(&mut other), None, "a part of it is still held");
        drop(copy);
        assert_eq!(next(&mut other).as_deref(), Some(&b"abcdef"[..]));
        assert_eq!(next(&mut one).as_deref(), Some(&b"7890"[..]));
    }

    #[test]
    fn a_piece_that_is_longer_than_the_budget_passes_alone() {
        let budget = Budget::new(4);
        assert_eq!(next(&mut upload(&["123456"], &budget)).as_deref(), Some(&b"123456"[..]));
    }
}
