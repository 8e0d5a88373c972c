//! What GitHub says of an item, as an import and a webhook bring it alike.

use domain::{Actor, Entry, ItemKey, Kind, State};
use uuid::Uuid;

/// The state of an item at its `updated_at`.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// `owner/name#number`, with the repository in the catalogue's spelling.
    pub key: ItemKey,
    /// GitHub's node id.
    pub node_id: String,
    /// Issue or pull request.
    pub kind: Kind,
    /// As GitHub has it.
    pub title: String,
    /// Page on GitHub.
    pub url: String,
    /// Who opened it.
    pub author: Actor,
    /// Open, closed or merged.
    pub state: State,
    /// Label names; `None` where the message does not say.
    pub labels: Option<Vec<String>>,
    /// Number of comments; `None` where the message does not say.
    pub comments: Option<i64>,
    /// Number of reactions; `None` where the message does not say.
    pub reactions: Option<i64>,
    /// Epoch ms.
    pub created_at: i64,
    /// Epoch ms, GitHub's clock.
    pub updated_at: i64,
    /// Epoch ms.
    pub closed_at: Option<i64>,
}

/// An item with what happened to it.
#[derive(Debug, Clone)]
pub struct Told {
    /// The item.
    pub snapshot: Snapshot,
    /// Lines of its timeline.
    pub entries: Vec<Entry>,
    /// Whether a list of GitHub's had it.
    pub listed: bool,
    /// `Some` when every comment and review that there is stands among the entries, so that one which we know beside them is gone:
    /// an id that was made before GitHub was asked. What we have under a younger id has come since, and says nothing.
    pub whole: Option<Uuid>,
}

/// All lines that belong into the item's timeline: of two with the same source the first one holds.
pub fn lines(told: &Told) -> impl Iterator<Item = Entry> {
    let opened = Entry::opened(told.snapshot.author.clone(), told.snapshot.created_at);
    told.entries.iter().cloned().chain([opened])
}

/// The address of an item: the one that was told, or, where that is none, where GitHub has it.
#[must_use]
pub fn url_of(told: String, key: &ItemKey, kind: Kind) -> String {
    if !told.is_empty() {
        return told;
    }
    let path = match kind {
        Kind::Issue => "issues",
        Kind::PullRequest => "pull",
    };
    format!("https://github.com/{}/{path}/{}", key.repository(), key.number())
}
