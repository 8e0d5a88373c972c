//! A bound on the bodies of requests that are in memory, for all requests of a process together.
//!
//! A route's limit bounds one body. Two hundred of them that are never finished, sent by somebody who has shown no token yet, would
//! together cost more than a container has.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

/// So many bytes may be held.
#[derive(Debug)]
pub(crate) struct Room {
    bytes: usize,
    taken: AtomicUsize,
}

impl Room {
    pub(crate) const fn new(bytes: usize) -> Self {
        Self { bytes, taken: AtomicUsize::new(0) }
    }

    /// `body`, which takes its place as it comes, and what it has taken.
    pub(crate) fn admit(&'static self, body: Body) -> (Body, Share) {
        let share = Share(Arc::new(Taken {
            room: self,
            bytes: AtomicUsize::new(0),
            refused: AtomicBool::new(false),
        }));
        (Body::new(Admitted { body, share: share.clone() }), share)
    }
}

/// What one body holds. Dropped with its last copy, it makes room.
#[derive(Debug, Clone)]
pub(crate) struct Share(Arc<Taken>);

#[derive(Debug)]
struct Taken {
    room: &'static Room,
    bytes: AtomicUsize,
    refused: AtomicBool,
}

impl Share {
    /// Whether there was no room for all of it.
    pub(crate) fn is_refused(&self) -> bool {
        self.0.refused.load(Ordering::Relaxed)
    }

    /// `whole`, which holds its share for as long as it lives.
    pub(crate) fn keep(self, whole: Bytes) -> Bytes {
        if whole.is_empty() { whole } else { Bytes::from_owner(Kept { whole, _share: self }) }
    }

    fn grow(&self, bytes: usize) -> bool {
        let Taken { room, bytes: own, refused } = &*self.0;
        let more = |taken: usize| taken.checked_add(bytes).filter(|taken| *taken <= room.bytes);
        let fits = room.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        if fits {
            own.fetch_add(bytes, Ordering::Relaxed);
        } else {
            refused.store(true, Ordering::Relaxed);
        }
        fits
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(*self.bytes.get_mut(), Ordering::Relaxed);
    }
}

struct Kept {
    whole: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.whole
    }
}

/// A body for whose parts there has to be room.
struct Admitted {
    body: Body,
    share: Share,
}

impl HttpBody for Admitted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)?) else { return Poll::Ready(None) };
        let length = frame.data_ref().map_or(0, Bytes::len);
        Poll::Ready(Some(if self.share.grow(length) {
            Ok(frame)
        } else {
            Err(axum::Error::new("there is no room for another body"))
        }))
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
    use axum::body::to_bytes;
    use futures::StreamExt;

    use super::*;

    /// All of a body of so many bytes; what it was, or whether there was no room.
    async fn read(room: &'static Room, bytes: usize) -> Result<Bytes, bool> {
        let (body, share) = room.admit(Body::from(vec![0; bytes]));
        let whole = to_bytes(body, usize::MAX).await.map_err(|_| share.is_refused())?;
        Ok(share.keep(whole))
    }

    #[tokio::test]
    async fn together_they_hold_no_more_than_there_is_room() {
        static ROOM: Room = Room::new(10);
        let first = read(&ROOM, 6).await.unwrap();
        assert!(read(&ROOM, 5).await.unwrap_err(), "6 and 5 are more than 10");
        let second = read(&ROOM, 4).await.unwrap();
        let copy = first.slice(..1);
        drop(first);
        assert!(read(&ROOM, 1).await.is_err(), "a copy holds it still");
        drop((copy, second));
        assert_eq!(read(&ROOM, 10).await.unwrap().len(), 10);
    }

    #[tokio::test]
    async fn whoever_never_ends_is_counted_and_whoever_leaves_makes_room() {
        static ROOM: Room = Room::new(10);
        let (body, share) = ROOM.admit(Body::from_stream(
            futures::stream::iter([Ok::<_, axum::Error>("123456")]).chain(futures::stream::pending()),
        ));
        let mut unfinished = Box::pin(to_bytes(body, usize::MAX));
        assert!(futures::poll!(unfinished.as_mut()).is_pending());
        assert!(read(&ROOM, 5).await.is_err());
        drop((unfinished, share));
        assert!(read(&ROOM, 5).await.is_ok());
    }
}
