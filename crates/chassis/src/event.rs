//! Facts that one context tells the others (pattern: *Domain event*), wishes that it has of one of them (pattern: *Command*), and the
//! envelope that both travel in.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use uuid::Uuid;

use crate::Fault;

/// Something that has happened, in the words of the context that saw it; or that another context shall do. No name, e-mail address
/// or phone number: who needs one asks the context that owns it.
pub trait Event: Serialize {
    /// Context and fact: `github.item_opened`.
    fn kind(&self) -> &'static str;

    /// The version of its shape; from 1.
    fn version(&self) -> u32 {
        1
    }

    /// What made it known: `import`, `webhook`, `api`.
    fn origin(&self) -> &str;

    /// What it is about. Events about the same subject arrive in the order in which they were recorded.
    fn subject(&self) -> String;
}

/// An event in its envelope. The names are those of CloudEvents 1.0, as far as it has them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// UUIDv7: the same whenever the same event is delivered.
    pub id: Uuid,
    /// As [`Event::kind`].
    #[serde(rename = "type")]
    pub kind: String,
    /// As [`Event::version`].
    pub version: u32,
    /// As [`Event::origin`].
    pub origin: String,
    /// As [`Event::subject`].
    pub subject: String,
    /// When it was recorded.
    pub time: Timestamp,
    /// The event itself.
    pub data: Value,
}

impl Recorded {
    /// `event`, recorded now.
    ///
    /// # Errors
    /// [`Fault::Internal`] when it has no JSON form.
    pub fn now(event: &impl Event) -> Result<Self, Fault> {
        Ok(Self {
            id: Uuid::now_v7(),
            kind: event.kind().to_owned(),
            version: event.version(),
            origin: event.origin().to_owned(),
            subject: event.subject(),
            time: Timestamp::now(),
            data: serde_json::to_value(event).map_err(Fault::internal)?,
        })
    }

    /// Whether `context` tells it: `github` for `github.item_opened`.
    #[must_use]
    pub fn is_of(&self, context: &str) -> bool {
        self.kind.split_once('.').is_some_and(|(teller, _)| teller == context)
    }

    /// The event.
    ///
    /// # Errors
    /// [`Fault::Internal`] when it is none of `E`'s.
    pub fn read<E: DeserializeOwned>(&self) -> Result<E, Fault> {
        E::deserialize(&self.data).map_err(Fault::internal)
    }
}
