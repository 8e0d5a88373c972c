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

    /// The next messages for `reader`, at most `limit`, in the order of the feed. Waits for [`Reader::wait`] when there are none.
    ///
    /// # Errors
    /// It is away.
    async fn read(&self, ctx: &Ctx, reader: &Reader, limit: usize) -> Result<Vec<Delivered>, Fault>;

    /// The reader is done with a message, for good: its transaction has committed. Nothing to do where the position beside the
    /// effect is all that counts.
    ///
    /// # Errors
    /// It is away. Then the message may be handed over again.
    async fn done(&self, ctx: &Ctx, delivered: &Delivered) -> Result<(), Fault>;

    /// How many messages `reader` has not taken yet.
    ///
    /// # Errors
    /// It is away.
    async fn behind(&self, ctx: &Ctx, reader: &Reader) -> Result<i64, Fault>;
}

/// Who reads, and how far they are.
#[derive(Debug, Clone)]
pub struct Reader {
    /// The consumer's name.
    pub consumer: &'static str,
    /// Contexts (`github`) and kinds (`github.comment`).
    pub wants: &'static [&'static str],
    /// The position of the last message that it has taken; 0 when it is new, and gets everything from the beginning.
    pub after: i64,
    /// How long to wait for a message.
    pub wait: Duration,
}

/// A message that the feed hands over.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// Its place in the feed, from 1, growing.
    pub position: i64,
    /// The message.
    pub message: Arc<Recorded>,
    /// By what the carrier knows it when it is done.
    pub handle: Option<Handle>,
}

/// What a carrier wants back with [`Feed::done`].
pub type Handle = Arc<dyn std::any::Any + Send + Sync>;
