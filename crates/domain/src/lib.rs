//! The words and formulas of Automator.
//!
//! Every step speaks these: value types that are parsed once and valid from then on, the shapes
//! that the public API shows, and the pure parts of ranking. Nothing here knows HTTP, a database
//! or the clock: a function that depends on the day takes `today`.

pub mod catalogue;
pub mod import;
pub mod item;
pub mod measures;
pub mod notification;
pub mod page;
pub mod rule;
pub mod task;
pub mod team;
pub mod timeline;

pub use catalogue::{Catalogue, Language, Repository, RepositoryName, RepositorySummary};
pub use import::{Import, ImportStatus};
pub use item::{Category, Difficulty, Item, ItemKey, ItemQuery, Kind, State, Waiting, WaitingFor};
pub use measures::{Group, GroupMeasures, Leader, Leaderboard, Measures, MeasuresQuery, Waits};
pub use notification::{
    Channel, Digests, Message, NewNotification, Notification, NotificationStatus, check_sender,
};
pub use page::{Limit, Page, PageQuery};
pub use rule::{Action, Conditions, NewRule, Notify, Recipient, Rule, Side, Trigger};
pub use task::{HistoryLine, Rice, RiceChange, Sort, Status, Task, TaskChange, TaskQuery, task_id};
pub use team::{Login, Member, MemberChange, NewMember, Role};
pub use timeline::{Actor, Entry, Happened, Occurrence, Origin};

/// One reason why a value was refused, with the field that it is about.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Dotted path of the field, e.g. `rice.effort`.
    pub field: String,
    /// What is wrong with it, for a person.
    pub message: String,
}

impl FieldError {
    /// A refusal of `field` because of `message`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// An enum whose variants have one name each, the same in JSON, in a column and in a query string.
macro_rules! names {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
        )]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// Every value, in the order in which a list would show them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in JSON, in columns and in query strings.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            /// # Errors
            /// A sentence that lists the names that would have been right.
            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or_else(|| {
                    let names: Vec<_> = Self::ALL.iter().map(|value| value.as_str()).collect();
                    format!("must be one of {}", names.join(", "))
                })
            }
        }
    };
}
pub(crate) use names;
