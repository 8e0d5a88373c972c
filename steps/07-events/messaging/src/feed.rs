//! The feed, where messages of all services lie in one order until everybody has taken them. One trait, two carriers: the process
//! `feed` ([`embedded`]), and NATS JetStream ([`nats`]).

pub mod config;
pub mod embedded;
pub mod nats;

use std::{fmt::Debug, sync::Arc, time::Duration};

use async_trait::async_trait;
use chassis::{Ctx, Fault, event::Recorded};

/// Carries messages from those who publish to those who read.
#[async_trait]
pub trait Feed: Send + Sync + Debug {
    /// Takes the messages, in this order. A message that it has already, by its id, it does not take once more. When it fails, it
    /// may have taken none, the first ones or all.
    ///
    /// # Errors
    /// It is away, or does not take one of them.
    async fn publish(&self, ctx: &Ctx, messages: &[Recorded]) -> Result<(), Fault>;

    /// The next messages for `reader`, at most `limit`, in the order of the feed. Waits for [`Reader::wait`] when there are none. To a
    /// reader of another feed it gives its own from the first one.
    ///
    /// # Errors
    /// It is away, or never gave the reader's position.
    async fn read(&self, ctx: &Ctx, reader: &Reader, limit: usize) -> Result<Read, Fault>;

    /// The reader is done with a message, for good: its transaction has committed. Nothing to do where the position beside the
    /// effect is all that counts.
    ///
    /// # Errors
    /// It is away. Then the message may be handed over again.
    async fn done(&self, ctx: &Ctx, delivered: &Delivered) -> Result<(), Fault>;

    /// How many messages `reader` has not taken yet; all there are, when its position is one in another feed.
    ///
    /// # Errors
    /// It is away, or never gave the reader's position.
    async fn behind(&self, ctx: &Ctx, reader: &Reader) -> Result<i64, Fault>;
}

/// Who reads, and how far they are.
#[derive(Debug, Clone)]
pub struct Reader {
    /// The consumer's name.
    pub consumer: &'static str,
    /// Contexts (`github`) and kinds (`github.comment`).
    pub wants: &'static [&'static str],
    /// The last message that it has taken.
    pub after: Place,
    /// How long to wait for a message.
    pub wait: Duration,
}

/// How far a reader is, and in which feed. By default it is new, and gets everything from the beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The feed's id; none while the reader has taken nothing. A position says nothing without it: a feed that was made anew numbers
    /// from 1 again.
    pub feed: Option<Arc<str>>,
    /// The position of the last message that was taken; 0 before the first one.
    pub position: i64,
}

impl Place {
    /// The position, if it is one in `feed`; that before the first message otherwise.
    #[must_use]
    pub fn within(&self, feed: &str) -> i64 {
        if self.is_elsewhere(feed) { 0 } else { self.position }
    }

    /// Whether nothing of this place has been undone: it is in the same feed, and not before it.
    pub(crate) fn has_come_to(&self, before: &Self) -> bool {
        self.feed == before.feed && self.position >= before.position
    }

    /// Whether it is known to be a place in another feed.
    #[must_use]
    pub fn is_elsewhere(&self, feed: &str) -> bool {
        self.feed.as_deref().is_some_and(|known| known != feed)
    }
}

/// What a feed answers to a reader.
#[derive(Debug, Clone)]
pub struct Read {
    /// The id of the feed, made with it and never given again.
    pub feed: Arc<str>,
    /// The messages.
    pub messages: Vec<Delivered>,
    /// The position of something that nobody can read, and that is to be passed over. There are no messages then.
    pub unreadable: Option<i64>,
}

/// A message that the feed hands over.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// The id of the feed.
    pub feed: Arc<str>,
    /// Its place in this feed, from 1, growing.
    pub position: i64,
    /// The message.
    pub message: Arc<Recorded>,
    /// By what the carrier knows it when it is done.
    pub handle: Option<Handle>,
}

impl Delivered {
    /// Where a reader is that has taken it.
    pub(crate) fn place(&self) -> Place {
        Place { feed: Some(self.feed.clone()), position: self.position }
    }
}

/// What a carrier wants back with [`Feed::done`].
pub type Handle = Arc<dyn std::any::Any + Send + Sync>;
