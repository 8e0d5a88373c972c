//! A bound on the bytes of bodies that are in memory, for all connections together.
//!
//! What an upstream does not take is held here. One slow upstream must not cost the memory of all: beyond the bound nothing more is
//! read of a body until something was sent, which is what TCP does, too.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::PollSemaphore;

/// So many bytes.
#[derive(Debug, Clone)]
pub struct Budget {
    left: Arc<Semaphore>,
    all: u32,
}

impl Budget {
    /// A budget of `bytes`.
    #[must_use]
    pub fn new(bytes: u32) -> Self {
        Self { left: Arc::new(Semaphore::new(bytes as usize)), all: bytes }
    }

    /// Somebody who spends of it.
    #[must_use]
    pub fn spender(&self) -> Spender {
        Spender { left: PollSemaphore::new(Arc::clone(&self.left)), all: self.all }
    }
}

/// Spends of a budget, one piece after the other.
#[derive(Debug)]
pub struct Spender {
    left: PollSemaphore,
    all: u32,
}

impl Spender {
    /// `piece`, as soon as there is room for it. It gives the room back when the last copy of it is gone.
    pub fn poll_spend(&mut self, piece: &Bytes, cx: &mut Context<'_>) -> Poll<Bytes> {
        let length = u32::try_from(piece.len()).unwrap_or(u32::MAX).min(self.all);
        // Nobody closes it.
        let permit = ready!(self.left.poll_acquire_many(cx, length));
        Poll::Ready(Bytes::from_owner(Held { piece: piece.clone(), _permit: permit }))
    }
}

struct Held {
    piece: Bytes,
    _permit: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.piece
    }
}
