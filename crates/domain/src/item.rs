//! Issues and pull requests as GitHub has them, and what their labels say.

use std::{borrow::Cow, fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Language, Limit, RepositoryName, names, text::is_visible};

names! {
    /// What an item is.
    Kind {
        /// An issue.
        Issue = "issue",
        /// A pull request.
        PullRequest = "pull_request",
    }
}

names! {
    /// Where an item stands on GitHub.
    State {
        /// Somebody may still answer.
        Open = "open",
        /// Closed without a merge.
        Closed = "closed",
        /// A merged pull request.
        Merged = "merged",
    }
}

names! {
    /// What an item is about, from its labels; the first that matches in this order.
    Category {
        /// Labels `question`, `getting started`.
        Question = "question",
        /// Labels `support`, `non-library issue`.
        Support = "support",
        /// Labels `bug`, `docs update`, `security`.
        Bug = "bug",
        /// Any label that speaks of an enhancement.
        Enhancement = "enhancement",
    }
}

names! {
    /// How much work an item is, from its `difficulty:` label.
    Difficulty {
        /// 1 point.
        Easy = "easy",
        /// 3 points.
        Medium = "medium",
        /// 5 points.
        Hard = "hard",
        /// 8 points.
        VeryHard = "very hard",
        /// No such label; counts as 3 points.
        Unknown = "unknown",
    }
}

names! {
    /// What the community waits for.
    Waiting {
        /// No maintainer has ever spoken.
        Contact = "contact",
        /// A maintainer has spoken, and the community has spoken since.
        Response = "response",
    }
}

/// A label without its prefix, in lower case: `type: Bug` speaks of a `bug`.
/// Labels about difficulty or status say nothing about the subject.
fn subject(label: &str) -> Option<String> {
    let label = label.to_lowercase();
    match label.split_once(':') {
        Some(("difficulty" | "status", _)) => None,
        Some((_, subject)) => Some(subject.trim().to_owned()),
        None => Some(label.trim().to_owned()),
    }
}

impl Category {
    /// The category that the labels give; none when no label speaks of a subject we know.
    #[must_use]
    pub fn from_labels(labels: &[String]) -> Option<Self> {
        let subjects: Vec<String> = labels.iter().filter_map(|label| subject(label)).collect();
        Self::ALL.iter().copied().find(|category| {
            subjects.iter().any(|subject| match category {
                Self::Question => matches!(subject.as_str(), "question" | "getting started"),
                Self::Support => matches!(subject.as_str(), "support" | "non-library issue"),
                Self::Bug => matches!(subject.as_str(), "bug" | "docs update" | "security"),
                Self::Enhancement => subject.contains("enhancement"),
            })
        })
    }
}

/// Whether the labels say that the item should not have been opened: `duplicate` or `invalid`.
#[must_use]
pub fn is_void(labels: &[String]) -> bool {
    let says = |label: &String| {
        let label = label.to_lowercase();
        matches!(label.rsplit(':').next().map(str::trim), Some("duplicate" | "invalid"))
    };
    labels.iter().any(says)
}

/// Default impact of an item with these labels: security and bug 3, enhancement 2, docs update,
/// question and getting started 1, none of these 1.5, the first that matches; a pull request has one more.
pub(crate) fn default_impact(kind: Kind, labels: &[String]) -> f64 {
    let subjects: Vec<String> = labels.iter().filter_map(|label| subject(label)).collect();
    let speaks_of = |names: &[&str]| subjects.iter().any(|subject| names.contains(&subject.as_str()));
    let of_subject = if speaks_of(&["security", "bug"]) {
        3.0
    } else if subjects.iter().any(|subject| subject.contains("enhancement")) {
        2.0
    } else if speaks_of(&["docs update", "question", "getting started"]) {
        1.0
    } else {
        1.5
    };
    match kind {
        Kind::Issue => of_subject,
        Kind::PullRequest => of_subject + 1.0,
    }
}

impl Difficulty {
    /// The difficulty that the labels give.
    #[must_use]
    pub fn from_labels(labels: &[String]) -> Self {
        labels
            .iter()
            .filter_map(|label| {
                let label = label.to_lowercase();
                label.strip_prefix("difficulty:")?.trim().parse().ok()
            })
            .next()
            .unwrap_or(Self::Unknown)
    }

    /// What a merged pull request of this difficulty is worth on the leaderboard.
    #[must_use]
    pub fn merit(self) -> f64 {
        match self {
            Self::Easy | Self::Unknown => 1.0,
            Self::Medium => 3.0,
            Self::Hard => 7.0,
            Self::VeryHard => 15.0,
        }
    }

    /// Points of effort.
    #[must_use]
    pub fn points(self) -> f64 {
        match self {
            Self::Easy => 1.0,
            Self::Medium | Self::Unknown => 3.0,
            Self::Hard => 5.0,
            Self::VeryHard => 8.0,
        }
    }
}

/// Which items, and which page of them.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ItemQuery {
    /// `owner/name`.
    #[param(value_type = Option<String>)]
    pub repository: Option<RepositoryName>,
    /// Language of the repository.
    #[param(value_type = Option<String>)]
    pub language: Option<Language>,
    /// Issue or pull request.
    pub kind: Option<Kind>,
    /// Where it stands.
    pub state: Option<State>,
    /// What it is about.
    pub category: Option<Category>,
    /// What the community waits for.
    pub waiting: Option<WaitingFor>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 100.
    #[serde(default)]
    pub limit: Limit,
}

/// What the community waits for, or whether it waits at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WaitingFor {
    /// A first word.
    Contact,
    /// An answer.
    Response,
    /// Either.
    Any,
}

/// `owner/name#number`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ItemKey {
    repository: RepositoryName,
    number: i64,
}

impl ItemKey {
    /// The key of item `number` of `repository`; numbers begin at 1.
    #[must_use]
    pub fn new(repository: RepositoryName, number: i64) -> Option<Self> {
        (number >= 1).then_some(Self { repository, number })
    }

    /// The repository.
    #[must_use]
    pub fn repository(&self) -> &RepositoryName {
        &self.repository
    }

    /// The number within the repository.
    #[must_use]
    pub fn number(&self) -> i64 {
        self.number
    }
}

impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.repository, self.number)
    }
}

impl FromStr for ItemKey {
    type Err = String;

    /// # Errors
    /// Anything but `owner/name#number`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be owner/name#number".to_owned();
        let (repository, number) = text.split_once('#').ok_or_else(wrong)?;
        let number = number.parse().map_err(|_| wrong())?;
        Self::new(repository.parse()?, number).ok_or_else(wrong)
    }
}

impl TryFrom<String> for ItemKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ItemKey> for String {
    fn from(key: ItemKey) -> Self {
        key.to_string()
    }
}

/// An issue or pull request as `GET /api/items` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Item {
    /// `owner/name#number`.
    #[schema(value_type = String, example = "sendgrid/rest#87")]
    pub key: ItemKey,
    /// `owner/name`.
    pub repository: RepositoryName,
    /// Language of the repository.
    pub language: Language,
    /// Number within the repository.
    pub number: i64,
    /// Issue or pull request.
    pub kind: Kind,
    /// What its author called it, as GitHub has it.
    pub title: String,
    /// Its page on GitHub.
    pub url: String,
    /// GitHub login of the author; `ghost` where the account is gone.
    pub author: String,
    /// Open, closed or merged.
    pub state: State,
    /// Label names, in GitHub's order.
    pub labels: Vec<String>,
    /// What it is about; `null` when no label says so.
    pub category: Option<Category>,
    /// How much work it is.
    pub difficulty: Difficulty,
    /// Number of comments.
    pub comments: i64,
    /// Number of reactions to its text.
    pub reactions: i64,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When GitHub last changed it.
    pub updated_at: Timestamp,
    /// When it was last closed or merged; `null` while it is open.
    pub closed_at: Option<Timestamp>,
    /// What the community waits for; `null` when it has its answer, has said nothing, or the item is closed.
    pub waiting: Option<Waiting>,
    /// Since when: the first word of the community that nobody answered.
    pub waiting_since: Option<Timestamp>,
}

impl Item {
    /// What a link to it says: its title, or its key where nothing of the title can be seen.
    #[must_use]
    pub fn shown_title(&self) -> Cow<'_, str> {
        shown_title(&self.title, &self.key)
    }
}

/// What a link to the item `key` of that `title` says: an empty one could not be clicked.
#[must_use]
pub fn shown_title<'t>(title: &'t str, key: &ItemKey) -> Cow<'t, str> {
    if is_visible(title) { Cow::Borrowed(title) } else { Cow::Owned(key.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_first_category_in_the_list_wins_whatever_the_order_of_labels() {
        let category = |names: &[&str]| Category::from_labels(&labels(names));
        assert_eq!(category(&["type: bug", "type: question"]), Some(Category::Question));
        assert_eq!(category(&["Type: Non-Library Issue"]), Some(Category::Support));
        assert_eq!(category(&["docs update"]), Some(Category::Bug));
        assert_eq!(category(&["type: community enhancement"]), Some(Category::Enhancement));
        assert_eq!(category(&["status: question", "difficulty: bug", "hacktoberfest"]), None);
        assert_eq!(category(&[]), None);
    }

    #[test]
    fn duplicates_and_invalid_items_are_void_whatever_the_prefix() {
        assert!(is_void(&labels(&["type: bug", "status: Duplicate"])));
        assert!(is_void(&labels(&["invalid"])));
        assert!(!is_void(&labels(&["type: bug", "status: not invalid"])));
    }

    #[test]
    fn difficulty_comes_from_its_label_alone() {
        assert_eq!(Difficulty::from_labels(&labels(&["Difficulty: Very Hard"])), Difficulty::VeryHard);
        assert_eq!(Difficulty::from_labels(&labels(&["easy"])), Difficulty::Unknown);
        assert_eq!(
            Difficulty::from_labels(&labels(&["difficulty: odd", "difficulty: easy"])),
            Difficulty::Easy
        );
    }

    #[test]
    fn impact_follows_the_gravest_label_and_pull_requests_have_one_more() {
        assert_eq!(default_impact(Kind::Issue, &labels(&["type: question", "type: security"])), 3.0);
        assert_eq!(default_impact(Kind::Issue, &labels(&["twilio enhancement", "question"])), 2.0);
        assert_eq!(default_impact(Kind::Issue, &labels(&["getting started"])), 1.0);
        assert_eq!(default_impact(Kind::PullRequest, &[]), 2.5);
    }

    #[test]
    fn a_title_that_cannot_be_seen_is_shown_as_the_key() {
        let key = "sendgrid/rest#87".parse().unwrap();
        assert_eq!(shown_title("Fix it", &key), "Fix it");
        assert_eq!(shown_title("\u{200b} \u{3164}", &key), "sendgrid/rest#87");
    }

    #[test]
    fn a_key_reads_back_as_it_was_written() {
        let key: ItemKey = "sendgrid/rest#87".parse().unwrap();
        assert_eq!((key.repository().name(), key.number()), ("rest", 87));
        assert_eq!(key.to_string(), "sendgrid/rest#87");
        for bad in ["", "rest#1", "a/b", "a/b#", "a/b#0", "a/b#-1", "a/b#1#2", "a/b#x"] {
            assert!(bad.parse::<ItemKey>().is_err(), "{bad:?}");
        }
    }
}
