//! What the contexts tell each other.
//!
//! Facts, in the past tense, for whoever wants to know. No event has a name, an e-mail address or a phone number in it; a
//! login is what GitHub shows to everybody.

use async_trait::async_trait;
use chassis::{
    Ctx, Fault,
    event::{Event, Recorded},
};
use domain::{Entry, Item, ItemKey, Login, Occurrence, Origin, State, Status};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Somebody who wants to know.
#[async_trait]
pub trait Handler: Send + Sync {
    /// The context that listens.
    fn name(&self) -> &'static str;

    /// Takes events in the order in which they were recorded; those of other contexts than it listens to are passed over.
    /// The same event may come twice and takes effect once.
    async fn handle(&self, ctx: &Ctx, events: &[Recorded]) -> Result<(), Fault>;
}

/// A transaction that takes events with it: they are told once it has committed, and never if it has not.
pub trait Tell: Send {
    /// Takes `event` along.
    ///
    /// # Errors
    /// [`Fault::Internal`] when it has no JSON form.
    fn record(&mut self, event: &BacklogEvent) -> Result<(), Fault>;
}

/// What `github` tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum GithubEvent {
    /// An item that we did not know. It may have been closed long ago.
    ItemOpened(Box<ItemFact>),
    /// A label, a title, a count, what it waits for; or nothing at all, where an import has come by it again.
    ItemChanged(Box<ItemFact>),
    /// It was open and no longer is.
    ItemClosed(Box<ItemFact>),
    /// Somebody has said something on it.
    CommentAdded(Box<ItemFact>),
}

/// An item with what has become of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemFact {
    /// How we heard of it.
    pub origin: Origin,
    /// The item as it is now, with what the community waits for.
    pub item: Item,
    /// Its state before; `None` for one that we did not know.
    pub before: Option<State>,
    /// Lines of its timeline: the new ones, perhaps some that were told before.
    pub lines: Vec<Entry>,
    /// What a rule may ask for.
    pub occurrence: Option<Occurrence>,
}

impl GithubEvent {
    /// What has become of an item.
    #[must_use]
    pub fn of(fact: ItemFact) -> Self {
        let fact = Box::new(fact);
        match (fact.before, &fact.occurrence) {
            (None, _) => Self::ItemOpened(fact),
            (Some(State::Open), _) if fact.item.state != State::Open => Self::ItemClosed(fact),
            (_, Some(occurrence)) if occurrence.trigger == domain::Trigger::CommentAdded => {
                Self::CommentAdded(fact)
            }
            _ => Self::ItemChanged(fact),
        }
    }

    /// The item with what has become of it, whichever it is.
    #[must_use]
    pub fn fact(&self) -> &ItemFact {
        match self {
            Self::ItemOpened(fact)
            | Self::ItemChanged(fact)
            | Self::ItemClosed(fact)
            | Self::CommentAdded(fact) => fact,
        }
    }
}

impl GithubEvent {
    /// What they are told as.
    pub const KINDS: [&str; 4] =
        ["github.item_opened", "github.item_changed", "github.item_closed", "github.comment_added"];

    /// The event in `recorded`; `None` for another context's, and for one that a newer github tells and nobody here knows yet.
    ///
    /// # Errors
    /// [`Fault::Internal`] when it is none of what it says it is.
    pub fn heard(recorded: &Recorded) -> Result<Option<Self>, Fault> {
        Self::KINDS.contains(&recorded.kind.as_str()).then(|| recorded.read()).transpose()
    }
}

impl Event for GithubEvent {
    fn kind(&self) -> &'static str {
        match self {
            Self::ItemOpened(_) => "github.item_opened",
            Self::ItemChanged(_) => "github.item_changed",
            Self::ItemClosed(_) => "github.item_closed",
            Self::CommentAdded(_) => "github.comment_added",
        }
    }

    fn origin(&self) -> &str {
        self.fact().origin.as_str()
    }

    /// Its repository: order per repository is what clients are promised.
    fn subject(&self) -> String {
        self.fact().item.repository.to_string()
    }
}

/// What `team` tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum TeamEvent {
    /// Somebody is a maintainer from now on, or is one again.
    MemberJoined {
        /// Who.
        login: Login,
    },
    /// Somebody no longer is.
    MemberLeft {
        /// Who.
        login: Login,
    },
}

impl TeamEvent {
    /// Who joined (`true`) or left.
    #[must_use]
    pub fn member(&self) -> (&Login, bool) {
        match self {
            Self::MemberJoined { login } => (login, true),
            Self::MemberLeft { login } => (login, false),
        }
    }
}

impl TeamEvent {
    /// What they are told as.
    pub const KINDS: [&str; 2] = ["team.member_joined", "team.member_left"];

    /// The event in `recorded`, as [`GithubEvent::heard`].
    ///
    /// # Errors
    /// [`Fault::Internal`] when it is none of what it says it is.
    pub fn heard(recorded: &Recorded) -> Result<Option<Self>, Fault> {
        Self::KINDS.contains(&recorded.kind.as_str()).then(|| recorded.read()).transpose()
    }
}

impl Event for TeamEvent {
    fn kind(&self) -> &'static str {
        match self {
            Self::MemberJoined { .. } => "team.member_joined",
            Self::MemberLeft { .. } => "team.member_left",
        }
    }

    fn origin(&self) -> &str {
        "api"
    }

    fn subject(&self) -> String {
        self.member().0.to_string()
    }
}

/// What `backlog` tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum BacklogEvent {
    /// An open item has a task.
    TaskCreated {
        /// The task.
        id: Uuid,
        /// The item it is about.
        key: ItemKey,
        /// How we heard of the item.
        origin: Origin,
    },
    /// A task stands elsewhere.
    TaskStatusChanged {
        /// The task.
        id: Uuid,
        /// Its version since.
        version: i64,
        /// Where it stood.
        before: Status,
        /// Where it stands.
        after: Status,
        /// Who moved it: `api`, `page`, `github`, `rule NAME`.
        by: String,
    },
    /// A task has another assignee, or none.
    TaskAssigned {
        /// The task.
        id: Uuid,
        /// Its version since.
        version: i64,
        /// Who does it.
        assignee: Option<Login>,
        /// Who gave it to them: `api`, `page`, `rule NAME`.
        by: String,
    },
}

impl Event for BacklogEvent {
    fn kind(&self) -> &'static str {
        match self {
            Self::TaskCreated { .. } => "backlog.task_created",
            Self::TaskStatusChanged { .. } => "backlog.task_status_changed",
            Self::TaskAssigned { .. } => "backlog.task_assigned",
        }
    }

    fn origin(&self) -> &str {
        match self {
            Self::TaskCreated { origin, .. } => origin.as_str(),
            Self::TaskStatusChanged { by, .. } | Self::TaskAssigned { by, .. } => by,
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::TaskCreated { id, .. }
            | Self::TaskStatusChanged { id, .. }
            | Self::TaskAssigned { id, .. } => id.to_string(),
        }
    }
}
