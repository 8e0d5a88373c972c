//! What one context wants done by another (pattern: *Command*): a wish has one who shall fulfil it, where an event has anybody who
//! listens. It may arrive twice, like an event.

use async_trait::async_trait;
use chassis::{
    Ctx, Fault,
    event::{Event, Recorded},
};
use domain::{ItemKey, ToMembers};
use serde::{Deserialize, Serialize};

/// What [`Comment`] is told as.
pub const COMMENT: &str = "ask_github.comment";
/// What [`MessageMembers`] is told as.
pub const MESSAGE_MEMBERS: &str = "ask_web.message_members";

/// For `github`: something is to be said on an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// On which.
    pub key: ItemKey,
    /// What.
    pub text: String,
    /// The login of whoever said what this is an answer to: where that turns out to be us, nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<String>,
}

impl Event for Comment {
    fn kind(&self) -> &'static str {
        COMMENT
    }

    fn origin(&self) -> &'static str {
        "rule"
    }

    fn subject(&self) -> String {
        self.key.to_string()
    }
}

/// For whoever has the team's addresses: members are to be told something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageMembers(pub ToMembers);

impl Event for MessageMembers {
    fn kind(&self) -> &'static str {
        MESSAGE_MEMBERS
    }

    fn origin(&self) -> &'static str {
        "rule"
    }

    fn subject(&self) -> String {
        self.0.key.clone()
    }
}

/// Who fulfils the wishes of rules: at once, or later.
#[async_trait]
pub trait Wishes: Send + Sync {
    /// Comments on an item; or answers the message that asks for it, which is to be recorded in the transaction in which the wish counts
    /// as fulfilled. [`Fault::Invalid`] naming `comment` when GitHub refuses it for good, [`Fault::Unavailable`] when it may work later.
    async fn comment(&self, ctx: &Ctx, comment: Comment) -> Result<Option<Recorded>, Fault>;

    /// Has members told something, or answers the message that asks for it, as above. [`Fault::Invalid`] naming `notify.to` when it
    /// reaches nobody.
    async fn message(&self, ctx: &Ctx, message: MessageMembers) -> Result<Option<Recorded>, Fault>;
}
