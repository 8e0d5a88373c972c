//! The words and formulas of Automator.
//!
//! Every step speaks these: value types that are parsed once and valid from then on, the shapes
//! that the public API shows, and the pure parts of ranking. Nothing here knows HTTP, a database
//! or the clock: a function that depends on the day takes `today`.

pub mod catalogue;
pub mod day;
pub mod import;
pub mod item;
pub mod measures;
pub mod notification;
pub mod page;
pub mod rule;
pub mod task;
pub mod team;
pub mod text;
pub mod timeline;

pub use catalogue::{Catalogue, Language, Repository, RepositoryName, RepositorySummary};
pub use import::{Import, ImportStatus};
pub use item::{Category, Difficulty, Item, ItemKey, ItemQuery, Kind, State, Waiting, WaitingFor};
pub use measures::{Group, GroupMeasures, Leader, Leaderboard, Measures, MeasuresQuery, Waits};
pub use notification::{
    Addressee, Channel, Digests, Message, NewNotification, Notification, NotificationStatus, ToMembers,
    check_sender,
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
    /// The most refusals of one request that are told. Whoever sends a thousand wrong values is helped by the first
    /// twenty, and over gRPC they travel in a header, which has an end.
    pub const MOST: usize = 20;
    /// The longest path of a field, in bytes.
    const LONGEST_FIELD: usize = 100;
    /// The longest message, in bytes: it may quote what was sent.
    const LONGEST_MESSAGE: usize = 200;

    /// A refusal of `field` because of `message`, both cut where they are too long.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: cut(field.into(), Self::LONGEST_FIELD),
            message: cut(message.into(), Self::LONGEST_MESSAGE),
        }
    }

    /// The first [`FieldError::MOST`] of `errors`, and how many more there are.
    #[must_use]
    pub fn bounded(mut errors: Vec<Self>) -> Vec<Self> {
        let more = errors.len().saturating_sub(Self::MOST);
        if more > 0 {
            // In the place of the last one, so that a list that was bounded stays as it is.
            errors.truncate(Self::MOST - 1);
            errors.push(Self::new(".", format!("and {} more", more + 1)));
        }
        errors
    }
}

/// What a check found: right, or every field that is wrong, [bounded](FieldError::bounded).
fn checked(errors: Vec<FieldError>) -> Result<(), Vec<FieldError>> {
    if errors.is_empty() { Ok(()) } else { Err(FieldError::bounded(errors)) }
}

/// At most `longest` bytes of `text`, and a sign that there was more.
#[must_use]
pub fn cut(mut text: String, longest: usize) -> String {
    const MORE: &str = "…";
    if text.len() > longest {
        text.truncate(text.floor_char_boundary(longest.saturating_sub(MORE.len())));
        text.push_str(MORE);
    }
    text
}

/// An enum whose variants have one name each, the same in JSON, in a column and in a query string. (The names are taken as
/// `tt`: utoipa does not read what came through a `literal`, and would show the variant's name in Rust.)
macro_rules! names {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:tt),+ $(,)? }) => {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::{Serialize, de::DeserializeOwned};
    use serde_json::Value;
    use utoipa::{
        PartialSchema,
        openapi::{RefOr, schema::Schema},
    };

    use super::*;

    /// The names that OpenAPI shows for `E`.
    fn shown<E: PartialSchema>() -> Vec<Value> {
        match E::schema() {
            RefOr::T(Schema::Object(object)) => object.enum_values.expect("an enum"),
            _ => panic!("no enum"),
        }
    }

    /// Checks that OpenAPI shows `values` as serde writes and reads them.
    fn same<E: PartialSchema + Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(values: &[E]) {
        let written: Vec<Value> = values.iter().map(|value| serde_json::to_value(value).unwrap()).collect();
        assert_eq!(shown::<E>(), written);
        for (value, written) in values.iter().zip(written) {
            assert_eq!(&serde_json::from_value::<E>(written).unwrap(), value);
        }
    }

    #[test]
    fn openapi_shows_every_enum_as_serde_writes_it() {
        same(Kind::ALL);
        same(State::ALL);
        same(Category::ALL);
        same(Difficulty::ALL);
        same(Waiting::ALL);
        same(Status::ALL);
        same(Role::ALL);
        same(Trigger::ALL);
        same(Side::ALL);
        same(Channel::ALL);
        same(NotificationStatus::ALL);
        same(ImportStatus::ALL);
        same(Group::ALL);
        same(Origin::ALL);
        same(Happened::ALL);
        // Those that are read only.
        for (sort, text) in [Sort::Rank, Sort::Due, Sort::Age].into_iter().zip(shown::<Sort>()) {
            assert_eq!(serde_json::from_value::<Sort>(text).unwrap(), sort);
        }
        let waits = [WaitingFor::Contact, WaitingFor::Response, WaitingFor::Any];
        for (wait, text) in waits.into_iter().zip(shown::<WaitingFor>()) {
            assert_eq!(serde_json::from_value::<WaitingFor>(text).unwrap(), wait);
        }
    }

    #[test]
    fn openapi_shows_every_action_by_the_key_that_serde_writes() {
        let notify = Notify { channel: Channel::Sms, to: "on_call".into(), text: "x".into() };
        let actions = [
            Action::SetStatus(Status::Done),
            Action::Assign("mona".parse().unwrap()),
            Action::AddReach(1.0),
            Action::Comment("x".into()),
            Action::Notify(notify),
        ];
        let written: BTreeSet<String> = actions
            .iter()
            .flat_map(|action| {
                serde_json::to_value(action).unwrap().as_object().unwrap().keys().cloned().collect::<Vec<_>>()
            })
            .collect();
        let schema = serde_json::to_value(Action::schema()).unwrap();
        let shown: BTreeSet<String> = schema["oneOf"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|one| one["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>())
            .collect();
        assert_eq!(shown, written);
    }

    #[test]
    fn errors_are_bounded_in_number_and_length() {
        let many =
            |number| (0..number).map(|n| FieldError::new(format!("then[{n}]"), "wrong")).collect::<Vec<_>>();
        assert_eq!(FieldError::bounded(many(FieldError::MOST)), many(FieldError::MOST));
        let bounded = FieldError::bounded(many(167));
        assert_eq!((bounded.len(), bounded[18].field.as_str()), (FieldError::MOST, "then[18]"));
        assert_eq!((bounded[19].field.as_str(), bounded[19].message.as_str()), (".", "and 148 more"));
        assert_eq!(FieldError::bounded(bounded.clone()), bounded);
        let long = FieldError::new("é".repeat(10_000), "日".repeat(10_000));
        assert!(
            long.field.len() <= 100 && long.message.len() <= 200 && long.message.ends_with("日…"),
            "{long:?}"
        );
    }
}
