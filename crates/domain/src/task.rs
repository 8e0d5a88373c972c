//! Tasks: what the team does about an open item, and the factors that rank it.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    Difficulty, FieldError, Item, ItemKey, Kind, Language, Limit, Login, checked, day, item::default_impact,
    names,
};

names! {
    /// Where a task stands. A task is open until it is `done`.
    Status {
        /// Nobody has looked at it.
        Intake = "intake",
        /// A maintainer has to review it.
        NeedsReview = "needs_review",
        /// The community has to answer.
        WaitingForFeedback = "waiting_for_feedback",
        /// The community has answered.
        FeedbackReceived = "feedback_received",
        /// Somebody works on it.
        InProgress = "in_progress",
        /// Nothing is left to do; also when the item is closed.
        Done = "done",
        /// Not now.
        Deferred = "deferred",
    }
}

/// The four factors of RICE, each within its range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rice {
    /// How many people it touches: 0 to 1,000,000.
    pub reach: f64,
    /// How much it matters to each: 0 to 10.
    pub impact: f64,
    /// How sure we are: above 0, at most 1.
    pub confidence: f64,
    /// How much work it is: above 0, at most 100.
    pub effort: f64,
}

impl Rice {
    /// The largest reach.
    pub const MAX_REACH: f64 = 1_000_000.0;

    /// The factors that an item has before a person sets them. `base_reach` is the language's.
    #[must_use]
    pub fn of_item(base_reach: f64, kind: Kind, labels: &[String], comments: i64, reactions: i64) -> Self {
        let difficulty = Difficulty::from_labels(labels);
        Self {
            reach: Self::reach_of_item(base_reach, comments, reactions),
            impact: default_impact(kind, labels),
            confidence: if difficulty == Difficulty::Unknown { 0.8 } else { 1.0 },
            effort: difficulty.points(),
        }
    }

    /// The first of [`Rice::of_item`]: base reach, comments and reactions, at most [`Rice::MAX_REACH`].
    #[must_use]
    pub fn reach_of_item(base_reach: f64, comments: i64, reactions: i64) -> f64 {
        // Counts are small enough for an f64 to hold them exactly.
        let attention = comments.saturating_add(reactions).max(0) as f64;
        (base_reach + attention).min(Self::MAX_REACH)
    }

    /// `reach × impact × confidence ÷ effort`, in that order.
    #[must_use]
    pub fn base_score(&self) -> f64 {
        self.reach * self.impact * self.confidence / self.effort
    }
}

/// A task as `GET /api/tasks` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Task {
    /// UUIDv5 of the item's key: the same wherever the task is made.
    pub id: Uuid,
    /// The item it is about.
    pub item: Item,
    /// Where it stands.
    pub status: Status,
    /// Login of the member who does it.
    pub assignee: Option<Login>,
    /// The day by which it is due.
    #[schema(value_type = Option<String>, format = Date)]
    pub due_date: Option<Date>,
    /// What ranks it.
    pub rice: Rice,
    /// `reach × impact × confidence ÷ effort × status weight × due weight`, today.
    pub score: f64,
    /// Its place among all open tasks, from 1; `null` when it is done.
    pub rank: Option<i64>,
    /// Counts the changes of this task; the value of its `ETag`.
    pub version: i64,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Which tasks, in which order, and which page of them.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TaskQuery {
    /// Where it stands; every open task unless told. Only `done` shows those that are done.
    pub status: Option<Status>,
    /// Login of who does it.
    #[param(value_type = Option<String>)]
    pub assignee: Option<Login>,
    /// Language of the repository.
    #[param(value_type = Option<String>)]
    pub language: Option<Language>,
    /// Issue or pull request.
    pub kind: Option<Kind>,
    /// The order.
    #[serde(default)]
    pub sort: Sort,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 100.
    #[serde(default)]
    pub limit: Limit,
}

/// The order of a list of tasks. Equal tasks stand oldest item first, then by key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// Highest score first.
    #[default]
    Rank,
    /// Earliest due date first, those without one last.
    Due,
    /// Oldest item first.
    Age,
}

/// A line of a task's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryLine {
    /// When it happened.
    pub at: Timestamp,
    /// `api`, `page`, `github`, `catalogue` or `rule NAME`.
    pub who: String,
    /// As the API names it.
    pub field: String,
    /// The value before; `None` for none.
    pub before: Option<String>,
    /// The value since; `None` for none.
    pub after: Option<String>,
    /// The version of the task that the change made.
    pub version: i64,
}

/// Body of `PATCH /api/tasks/{id}`: what is missing stays; `null` takes assignee or due date away.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskChange {
    /// New status.
    #[serde(default)]
    pub status: Option<Status>,
    /// Login of an active member, or `null` for nobody.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub assignee: Option<Option<Login>>,
    /// A day like `2030-01-02`, or `null` for none.
    #[serde(default, deserialize_with = "day::present")]
    #[schema(value_type = Option<String>, format = Date)]
    pub due_date: Option<Option<Date>>,
    /// New factors; the others stay.
    #[serde(default)]
    pub rice: Option<RiceChange>,
}

/// New factors of a task; what is missing stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RiceChange {
    /// 0 to 1,000,000.
    #[serde(default)]
    pub reach: Option<f64>,
    /// 0 to 10.
    #[serde(default)]
    pub impact: Option<f64>,
    /// Above 0, at most 1.
    #[serde(default)]
    pub confidence: Option<f64>,
    /// Above 0, at most 100.
    #[serde(default)]
    pub effort: Option<f64>,
}

impl TaskChange {
    /// Whether every given factor is within its range.
    ///
    /// # Errors
    /// Every field that is out of range.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut errors = Vec::new();
        if let Some(rice) = &self.rice {
            let mut check = |field: &str, value: Option<f64>, range: &str, right: fn(f64) -> bool| {
                if value.is_some_and(|value| !right(value)) {
                    errors.push(FieldError::new(field, format!("must be {range}")));
                }
            };
            check("rice.reach", rice.reach, "between 0 and 1000000", |v| {
                (0.0..=Rice::MAX_REACH).contains(&v)
            });
            check("rice.impact", rice.impact, "between 0 and 10", |v| (0.0..=10.0).contains(&v));
            check("rice.confidence", rice.confidence, "above 0 and at most 1", |v| v > 0.0 && v <= 1.0);
            // 1e-9 days of work is already a joke; smaller numbers would overflow the score.
            check("rice.effort", rice.effort, "above 0 and at most 100", |v| (1e-9..=100.0).contains(&v));
        }
        checked(errors)
    }
}

/// Tells a missing field (`None`) from one that is `null` (`Some(None)`).
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

/// The id of the task about an item: UUIDv5 (RFC 9562) of the key, so that whoever makes the task
/// first, import or webhook, makes the same one.
#[must_use]
pub fn task_id(key: &ItemKey) -> Uuid {
    const NAMESPACE: Uuid = Uuid::from_u128(0x0b5c_6f52_6f0e_5c59_9d0c_4c5a_1f6a_7a11);
    Uuid::new_v5(&NAMESPACE, key.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unlabelled_issue_has_the_defaults_of_the_formula() {
        let rice = Rice::of_item(35.0, Kind::Issue, &[], 3, 1);
        assert_eq!(rice, Rice { reach: 39.0, impact: 1.5, confidence: 0.8, effort: 3.0 });
        assert_eq!(rice.base_score(), 39.0 * 1.5 * 0.8 / 3.0);
    }

    #[test]
    fn every_factor_out_of_range_is_named_and_the_ends_of_the_ranges_are_not() {
        let change = |reach, impact, confidence, effort| TaskChange {
            rice: Some(RiceChange {
                reach: Some(reach),
                impact: Some(impact),
                confidence: Some(confidence),
                effort: Some(effort),
            }),
            ..TaskChange::default()
        };
        let fields: Vec<_> =
            change(-1.0, 10.5, 0.0, 0.0).validate().unwrap_err().into_iter().map(|e| e.field).collect();
        assert_eq!(fields, ["rice.reach", "rice.impact", "rice.confidence", "rice.effort"]);
        assert!(change(0.0, 0.0, 0.01, 0.01).validate().is_ok());
        assert!(change(1e6, 10.0, 1.0, 100.0).validate().is_ok());
        assert!(change(f64::NAN, 1.0, 1.0, 1.0).validate().is_err());
    }

    #[test]
    fn a_task_has_the_same_id_wherever_it_is_made() {
        let key: ItemKey = "sendgrid/rest#87".parse().unwrap();
        assert_eq!(task_id(&key), task_id(&"sendgrid/rest#87".parse().unwrap()));
        assert_ne!(task_id(&key), task_id(&"sendgrid/rest#88".parse().unwrap()));
    }
}
