//! What the simulated GitHub knows: repositories, their items, and what was said and done about them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Kind, RepositoryName, State};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::random::hash;

/// What sort of account an actor is; GitHub answers it as `__typename` and as `user.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ActorKind {
    /// A person.
    User,
    /// An app. GraphQL calls it `dependabot`, webhooks call the same account `dependabot[bot]`.
    Bot,
}

/// Somebody who writes, reviews, closes or merges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Actor {
    pub(crate) kind: ActorKind,
    /// As GraphQL has it, without `[bot]`.
    pub(crate) login: String,
}

impl Actor {
    pub(crate) fn user(login: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { kind: ActorKind::User, login: login.into() })
    }

    pub(crate) fn bot(login: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { kind: ActorKind::Bot, login: login.into() })
    }

    /// Who is meant by `login`: a name that ends in `[bot]` is an app, `ghost` a deleted account.
    pub(crate) fn parse(login: &str) -> Option<Arc<Self>> {
        match login.strip_suffix("[bot]") {
            Some(app) => Some(Self::bot(app)),
            None if login == "ghost" => None,
            None => Some(Self::user(login)),
        }
    }

    /// The number GitHub gives an account; ours comes from the login.
    pub(crate) fn database_id(&self) -> u32 {
        number_of(&self.login)
    }

    pub(crate) fn node_id(&self) -> String {
        match self.kind {
            ActorKind::User => node_id("U_", &[0, self.database_id()]),
            ActorKind::Bot => node_id("BOT_", &[0, self.database_id()]),
        }
    }
}

/// A comment on an issue or pull request.
#[derive(Debug)]
pub(crate) struct Comment {
    pub(crate) database_id: u32,
    pub(crate) node_id: String,
    /// Nobody: the account was deleted.
    pub(crate) author: Option<Arc<Actor>>,
    pub(crate) body: String,
    pub(crate) created_at: Timestamp,
}

/// What a review says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Approved,
    ChangesRequested,
    Commented,
    Dismissed,
}

/// A review of a pull request.
#[derive(Debug)]
pub(crate) struct Review {
    pub(crate) database_id: u32,
    pub(crate) node_id: String,
    pub(crate) author: Option<Arc<Actor>>,
    pub(crate) body: String,
    pub(crate) verdict: Verdict,
    pub(crate) submitted_at: Timestamp,
}

/// What closes, reopens or merges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventKind {
    Closed,
    Reopened,
    Merged,
}

/// An entry of the timeline.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) database_id: u32,
    pub(crate) kind: EventKind,
    pub(crate) actor: Option<Arc<Actor>>,
    pub(crate) created_at: Timestamp,
}

/// An issue or pull request. All times are whole seconds, as GitHub's are.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) repository: RepositoryName,
    pub(crate) repository_id: u32,
    pub(crate) database_id: u32,
    pub(crate) node_id: String,
    pub(crate) kind: Kind,
    pub(crate) number: i64,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) author: Option<Arc<Actor>>,
    pub(crate) state: State,
    pub(crate) labels: Vec<String>,
    pub(crate) comments: Vec<Arc<Comment>>,
    pub(crate) reviews: Vec<Arc<Review>>,
    pub(crate) events: Vec<Arc<Event>>,
    pub(crate) reactions: i32,
    pub(crate) commits: i32,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) closed_at: Option<Timestamp>,
    pub(crate) merged_at: Option<Timestamp>,
    pub(crate) merged_by: Option<Arc<Actor>>,
}

impl Item {
    /// Its page, `https://github.com/owner/name/issues/1` or `…/pull/1`.
    pub(crate) fn url(&self) -> String {
        let part = match self.kind {
            Kind::Issue => "issues",
            Kind::PullRequest => "pull",
        };
        format!("https://github.com/{}/{part}/{}", self.repository, self.number)
    }

    /// Whether it is open.
    pub(crate) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Somebody says something.
    pub(crate) fn add_comment(
        &mut self,
        id: u32,
        at: Timestamp,
        author: Option<Arc<Actor>>,
        body: String,
    ) -> Arc<Comment> {
        let comment = Arc::new(Comment {
            database_id: id,
            node_id: node_id("IC_", &[0, self.repository_id, id]),
            author,
            body,
            created_at: at,
        });
        self.comments.push(comment.clone());
        self.touch(at);
        comment
    }

    /// Somebody reviews a pull request.
    pub(crate) fn add_review(
        &mut self,
        id: u32,
        at: Timestamp,
        author: Option<Arc<Actor>>,
        verdict: Verdict,
        body: String,
    ) -> Arc<Review> {
        let review = Arc::new(Review {
            database_id: id,
            node_id: node_id("PRR_", &[0, self.repository_id, id]),
            author,
            body,
            verdict,
            submitted_at: at,
        });
        self.reviews.push(review.clone());
        self.touch(at);
        review
    }

    /// Closes it without a merge.
    pub(crate) fn close(&mut self, id: u32, at: Timestamp, by: Option<Arc<Actor>>) {
        self.state = State::Closed;
        self.closed_at = Some(at);
        self.happened(id, at, EventKind::Closed, by);
    }

    /// Opens it again.
    pub(crate) fn reopen(&mut self, id: u32, at: Timestamp, by: Option<Arc<Actor>>) {
        self.state = State::Open;
        self.closed_at = None;
        self.happened(id, at, EventKind::Reopened, by);
    }

    /// Merges a pull request; as on GitHub the timeline then has a merge and a close.
    pub(crate) fn merge(&mut self, ids: (u32, u32), at: Timestamp, by: Option<Arc<Actor>>) {
        self.state = State::Merged;
        self.closed_at = Some(at);
        self.merged_at = Some(at);
        self.merged_by.clone_from(&by);
        self.happened(ids.0, at, EventKind::Merged, by.clone());
        self.happened(ids.1, at, EventKind::Closed, by);
    }

    fn happened(&mut self, id: u32, at: Timestamp, kind: EventKind, actor: Option<Arc<Actor>>) {
        self.events.push(Arc::new(Event { database_id: id, kind, actor, created_at: at }));
        self.touch(at);
    }

    /// Moves the time of the last change forward, never back.
    pub(crate) fn touch(&mut self, at: Timestamp) {
        self.updated_at = self.updated_at.max(at);
    }
}

/// A repository with its items by number; issues and pull requests share the numbers.
#[derive(Debug)]
pub(crate) struct Repository {
    pub(crate) name: RepositoryName,
    pub(crate) language: String,
    pub(crate) database_id: u32,
    pub(crate) items: BTreeMap<i64, Arc<Item>>,
}

impl Repository {
    pub(crate) fn node_id(&self) -> String {
        node_id("R_", &[0, self.database_id])
    }
}

/// Everything that the simulated GitHub knows.
///
/// Items are shared, not copied: a query works on a snapshot while a control call changes the world.
#[derive(Debug, Default)]
pub(crate) struct World {
    repositories: Vec<Repository>,
    /// Repository by its name in lower case, as GitHub's names ignore case.
    by_name: HashMap<String, usize>,
    /// Repository by its number.
    by_id: HashMap<u32, usize>,
    /// Item by its number among all items.
    by_item: HashMap<u32, (usize, i64)>,
    last_id: u32,
    /// The hour at which the simulated world stands still.
    now: Timestamp,
}

/// The number of the first item, comment, review or event; real ones passed it long ago.
const FIRST_ID: u32 = 300_000_000;

impl World {
    /// A world without repositories, at the hour `now`.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { now: whole_seconds(now), ..Self::default() }
    }

    /// When the next thing happens to `item`: at the world's hour, but after all that happened to it.
    pub(crate) fn next_instant(&self, item: &Item) -> Timestamp {
        self.now.max(after(item.updated_at, 1))
    }

    /// The world's hour.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Adds a repository; a second one of the same name is the first one.
    pub(crate) fn add_repository(&mut self, name: &RepositoryName, language: &str) -> usize {
        let key = name.as_str().to_ascii_lowercase();
        if let Some(&index) = self.by_name.get(&key) {
            return index;
        }
        let index = self.repositories.len();
        let mut database_id = number_of(&key);
        while self.by_id.contains_key(&database_id) {
            database_id += 1;
        }
        self.repositories.push(Repository {
            name: name.clone(),
            language: language.to_owned(),
            database_id,
            items: BTreeMap::new(),
        });
        self.by_name.insert(key, index);
        self.by_id.insert(database_id, index);
        index
    }

    /// The repositories in the order in which they were added.
    pub(crate) fn repositories(&self) -> &[Repository] {
        &self.repositories
    }

    /// The repository of that name, whatever its case.
    pub(crate) fn repository(&self, name: &str) -> Option<&Repository> {
        self.repositories.get(self.index(name)?)
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.by_name.get(&name.to_ascii_lowercase()).copied()
    }

    /// The repository at `index`, as [`World::add_repository`] gave it.
    pub(crate) fn at(&self, index: usize) -> &Repository {
        &self.repositories[index]
    }

    /// A number that nothing has yet.
    pub(crate) fn next_id(&mut self) -> u32 {
        self.last_id = self.last_id.max(FIRST_ID) + 1;
        self.last_id
    }

    /// Puts an item where it belongs, in place of the one that has its number.
    pub(crate) fn put(&mut self, item: Item) -> Arc<Item> {
        let index = self.add_repository(&item.repository, "");
        let item = Arc::new(item);
        self.by_item.insert(item.database_id, (index, item.number));
        self.repositories[index].items.insert(item.number, item.clone());
        item
    }

    /// Takes an item away.
    pub(crate) fn remove(&mut self, item: &Item) {
        self.by_item.remove(&item.database_id);
        if let Some(index) = self.index(item.repository.as_str()) {
            self.repositories[index].items.remove(&item.number);
        }
    }

    /// The item of that number.
    pub(crate) fn item(&self, repository: &str, number: i64) -> Option<&Arc<Item>> {
        self.repository(repository)?.items.get(&number)
    }

    /// What the global node id names, if it is a repository or an item.
    pub(crate) fn node(&self, id: &str) -> Option<Node<'_>> {
        let (prefix, numbers) = numbers_of(id)?;
        match (prefix, &numbers[..]) {
            ("R_", [0, repository]) => Some(Node::Repository(self.at(*self.by_id.get(repository)?))),
            ("I_" | "PR_", [0, _, item]) => {
                let (index, number) = self.by_item.get(item)?;
                let item = self.at(*index).items.get(number)?;
                (item.node_id == id).then_some(Node::Item(item))
            }
            _ => None,
        }
    }
}

/// What a global node id can name here.
#[derive(Debug)]
pub(crate) enum Node<'a> {
    Repository(&'a Repository),
    Item(&'a Arc<Item>),
}

/// A global node id as GitHub makes them since 2021: a prefix, then MessagePack of a list of numbers in
/// base64. Clients must not look inside.
pub(crate) fn node_id(prefix: &str, numbers: &[u32]) -> String {
    let mut bytes = Vec::with_capacity(1 + numbers.len() * 5);
    // fixarray of up to 15 elements; we never pass more than four.
    bytes.push(0x90 | u8::try_from(numbers.len()).unwrap_or(0));
    for number in numbers {
        if *number == 0 {
            bytes.push(0);
        } else {
            bytes.push(0xce);
            bytes.extend(number.to_be_bytes());
        }
    }
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// The prefix and the numbers of an id that [`node_id`] made.
fn numbers_of(id: &str) -> Option<(&str, Vec<u32>)> {
    let (prefix, encoded) = id.split_at(id.find('_')? + 1);
    let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    let mut numbers = Vec::new();
    let mut rest = bytes.get(1..)?;
    while let Some((first, after)) = rest.split_first() {
        if *first == 0 {
            numbers.push(0);
            rest = after;
        } else {
            numbers.push(u32::from_be_bytes(after.get(..4)?.try_into().ok()?));
            rest = &after[4..];
        }
    }
    Some((prefix, numbers))
}

/// A number for a name that has none of its own: positive in 31 bits, as GraphQL's `Int` wants.
fn number_of(name: &str) -> u32 {
    u32::try_from(hash(name) & 0x3fff_ffff).unwrap_or(1).max(1)
}

/// `instant` without its fraction of a second.
pub(crate) fn whole_seconds(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}

/// `instant` and so many seconds; it stays where it is at the end of time.
pub(crate) fn after(instant: Timestamp, seconds: i64) -> Timestamp {
    instant.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_id_looks_like_githubs_and_reads_back() {
        let id = node_id("I_", &[0, 7, 300_000_001]);
        assert!(id.starts_with("I_kwDO"), "{id}");
        assert_eq!(numbers_of(&id), Some(("I_", vec![0, 7, 300_000_001])));
        for bad in ["", "I_", "kwDO", "I_!!", "I_kwDO", "I_kw"] {
            assert!(World::default().node(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_bot_has_its_suffix_in_one_of_the_two_apis_only() {
        let bot = Actor::parse("dependabot[bot]").unwrap();
        assert_eq!((bot.kind, bot.login.as_str()), (ActorKind::Bot, "dependabot"));
        assert_eq!(Actor::parse("ghost"), None);
    }
}
