//! What happened to an item on GitHub, who did it, and how we came to know.

use serde::{Deserialize, Serialize};

use crate::names;

names! {
    /// By what way we heard of something.
    Origin {
        /// We asked, perhaps long after it happened.
        Import = "import",
        /// GitHub told us.
        Webhook = "webhook",
    }
}

names! {
    /// What happened to an item.
    Happened {
        /// It was opened.
        Opened = "opened",
        /// Somebody commented.
        Comment = "comment",
        /// Somebody reviewed a pull request.
        Review = "review",
        /// It was closed.
        Closed = "closed",
        /// It was opened again.
        Reopened = "reopened",
        /// It was merged.
        Merged = "merged",
        /// A comment was taken back: the line stays, so that a late delivery of the comment finds it.
        Deleted = "deleted",
    }
}

/// An account on GitHub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Login in GitHub's spelling.
    pub login: String,
    /// An app rather than a person.
    pub bot: bool,
}

impl Actor {
    /// The account of that login, as webhooks and our tables spell it: an app's ends in `[bot]`.
    #[must_use]
    pub fn of_webhook(login: String) -> Self {
        Self { bot: login.ends_with("[bot]"), login }
    }

    /// Who GitHub shows where an account is gone.
    #[must_use]
    pub fn ghost() -> Self {
        Self { login: "ghost".to_owned(), bot: false }
    }
}

/// One line of an item's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What makes it the same line in an import and in a webhook.
    pub source: String,
    /// What happened.
    pub happened: Happened,
    /// Who did it.
    pub actor: Actor,
    /// Epoch ms.
    pub at: i64,
}

impl Entry {
    /// A comment or review, known by GitHub's node id.
    #[must_use]
    pub fn word(happened: Happened, node_id: &str, actor: Actor, at: i64) -> Self {
        Self { source: node_id.to_owned(), happened, actor, at }
    }

    /// That the item was opened: at `at`, epoch ms, by `actor`.
    #[must_use]
    pub fn opened(actor: Actor, at: i64) -> Self {
        Self { source: Happened::Opened.to_string(), happened: Happened::Opened, actor, at }
    }

    /// A change of state. A webhook does not tell the node id of such an event, so its kind and time stand for it.
    #[must_use]
    pub fn change(happened: Happened, actor: Actor, at: i64) -> Self {
        Self { source: format!("{happened}@{at}"), happened, actor, at }
    }
}

/// Something that happened to an item and that a rule may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// What.
    pub trigger: crate::Trigger,
    /// The same whenever the same thing is told: made from GitHub's node ids and times, or from a task's version.
    pub key: String,
    /// Who did it; the item's author where we do not know.
    pub author: Option<Actor>,
    /// The label that was added.
    pub label: Option<String>,
}
