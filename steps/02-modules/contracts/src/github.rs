//! What GitHub says.

use std::collections::HashMap;

use async_trait::async_trait;
use bytes::Bytes;
use chassis::{
    Ctx, Fault,
    idempotency::{IdempotencyKey, Once},
};
use domain::{Import, Item, ItemKey, ItemQuery, Kind, Page, PageQuery, RepositorySummary};
use uuid::Uuid;

/// Items by their keys: the one question that most callers have.
#[async_trait]
pub trait Items: Send + Sync {
    /// The items of these keys; a key that is unknown is missing in the answer.
    async fn items(&self, ctx: &Ctx, keys: &[ItemKey]) -> Result<HashMap<ItemKey, Item>, Fault>;
}

/// Items that somebody has something to say about.
#[async_trait]
pub trait Commentable: Items {
    /// Comments on an item. `answers` is the login of whoever said what this is an answer to: where that turns out to be us, nothing
    /// is said. GitHub takes no key: a caller that repeats the call comments again. [`Fault::Invalid`] naming `comment` when GitHub
    /// refuses it for good, [`Fault::Unavailable`] when it may work later.
    async fn comment(&self, ctx: &Ctx, key: &ItemKey, text: &str, answers: Option<&str>)
    -> Result<(), Fault>;
}

/// What the community waits for.
#[async_trait]
pub trait WaitingList: Send + Sync {
    /// Items that the community waits for, the longest wait first: at most `limit`, and how many there are.
    async fn waiting(&self, ctx: &Ctx, limit: u32) -> Result<(Vec<Item>, i64), Fault>;
}

/// Items, repositories, imports and webhooks.
#[async_trait]
pub trait Github: Commentable + WaitingList {
    /// A page of items, newest first. [`Fault::Invalid`] for a cursor of another list.
    async fn page(&self, ctx: &Ctx, query: ItemQuery) -> Result<Page<Item>, Fault>;

    /// The item that is called `name`: `owner/name#number`, in any case. [`Fault::NotFound`].
    async fn item(&self, ctx: &Ctx, name: &str) -> Result<Item, Fault>;

    /// The open items of a kind in a repository, named with or without its owner, newest first. [`Fault::NotFound`] for one
    /// that is not tracked, [`Fault::Invalid`] naming `repo` when two owners have it.
    async fn open(&self, ctx: &Ctx, repository: &str, kind: Kind) -> Result<Vec<Item>, Fault>;

    /// The tracked repositories by name, with what is open in them. [`Fault::Invalid`] for a cursor of another list.
    async fn repositories(&self, ctx: &Ctx, query: PageQuery) -> Result<Page<RepositorySummary>, Fault>;

    /// Starts an import; while one is under way, the answer is that one.
    async fn start_import(&self, ctx: &Ctx, key: Option<IdempotencyKey>) -> Result<Once<Import>, Fault>;

    /// How far an import is. [`Fault::NotFound`] for an unknown one.
    async fn import(&self, ctx: &Ctx, id: Uuid) -> Result<Import, Fault>;

    /// Takes a delivery whose signature was right; a repeat, and what is none of our business, changes nothing.
    /// [`Fault::Invalid`] naming `payload` when it is not GitHub's.
    async fn deliver(&self, ctx: &Ctx, delivery: Delivery) -> Result<(), Fault>;
}

/// A webhook as it arrived.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// `X-GitHub-Delivery`.
    pub id: String,
    /// `X-GitHub-Event`.
    pub event: String,
    /// The body, byte for byte.
    pub payload: Bytes,
}
