//! Rules: when something happens, and if it is like this, then do that.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Category, Channel, FieldError, Kind, Language, Login, Rice, Status, checked, names, notification::is_text,
};

names! {
    /// What happens.
    Trigger {
        /// Somebody opened an issue or a pull request.
        ItemOpened = "item_opened",
        /// Somebody commented on it or reviewed it.
        CommentAdded = "comment_added",
        /// Somebody put a label on it.
        LabelAdded = "label_added",
        /// The status of its task changed, but not by a rule: rules never set each other off.
        TaskStatusChanged = "task_status_changed",
    }
}

names! {
    /// On which side somebody stands. A bot stands on neither.
    Side {
        /// An active member of the team.
        Maintainer = "maintainer",
        /// Anybody else.
        Community = "community",
    }
}

/// What has to hold; what is left out always does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// Issue or pull request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// What the item is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// Language of its repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub language: Option<Language>,
    /// Where its task stands when it happens; with `task_status_changed`, the new status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Whoever opened, commented or labelled; with `task_status_changed`, the item's author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Side>,
    /// Name of the label that was added, with or without its prefix (`security` for `type: security`), in any case; only with
    /// `label_added`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// One thing to do. Texts may speak of `{key}`, `{title}`, `{url}` of the item and `{author}`, whoever set the rule off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Give the task this status.
    SetStatus(Status),
    /// Give the task to this member.
    #[schema(value_type = String)]
    Assign(Login),
    /// Add this much to the task's reach. Its factors no longer follow the item then, as when a person sets one.
    AddReach(f64),
    /// Comment on the item: 1 to 10,000 characters.
    Comment(String),
    /// Send a message.
    Notify(Notify),
}

/// A message that a rule sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// The way to take.
    pub channel: Channel,
    /// A login, or `assignee`, or `on_call`: every active member who is on call.
    pub to: String,
    /// 1 to 1,000 characters.
    pub text: String,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rule {
    /// UUIDv7.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// What sets it off.
    pub when: Trigger,
    /// What has to hold.
    #[serde(rename = "if")]
    pub conditions: Conditions,
    /// What to do then, each once for an event, however often the event arrives.
    pub then: Vec<Action>,
}

/// The most actions of a rule.
const MOST_ACTIONS: usize = 10;

/// Body of `POST /api/rules`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRule {
    /// 1 to 100 characters, unique.
    pub name: String,
    /// What sets it off.
    pub when: Trigger,
    /// What has to hold.
    #[serde(rename = "if", default)]
    pub conditions: Conditions,
    /// What to do: 1 to 10 actions.
    pub then: Vec<Action>,
}

impl NewRule {
    /// Whether every field is right.
    ///
    /// # Errors
    /// Every field that is wrong.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut refuse = |field: String, message: &str| errors.push(FieldError::new(field, message));
        if !is_text(&self.name, 100) || self.name.chars().any(char::is_control) {
            refuse("name".to_owned(), "must have 1 to 100 characters, some of them visible");
        }
        match &self.conditions.label {
            Some(_) if self.when != Trigger::LabelAdded => {
                refuse("if.label".to_owned(), "goes with label_added only");
            }
            Some(label) if !is_text(label, 100) => {
                refuse("if.label".to_owned(), "must have 1 to 100 characters");
            }
            _ => {}
        }
        if !(1..=MOST_ACTIONS).contains(&self.then.len()) {
            refuse("then".to_owned(), "must have 1 to 10 actions");
        }
        // Of those that are too many it is enough to say so.
        for (index, action) in self.then.iter().take(MOST_ACTIONS).enumerate() {
            if let Err((field, message)) = action.check() {
                refuse(format!("then[{index}].{field}"), message);
            }
        }
        checked(errors)
    }
}

impl Action {
    /// What is wrong with it: field and message.
    fn check(&self) -> Result<(), (&'static str, &'static str)> {
        match self {
            Self::AddReach(reach)
                if *reach == 0.0 || !(-Rice::MAX_REACH..=Rice::MAX_REACH).contains(reach) =>
            {
                Err(("add_reach", "must be between -1000000 and 1000000, and not 0"))
            }
            Self::Comment(text) if !is_text(text, 10_000) => {
                Err(("comment", "must have 1 to 10000 characters"))
            }
            Self::Notify(notify) if !is_text(&notify.text, 1_000) => {
                Err(("notify.text", "must have 1 to 1000 characters"))
            }
            Self::Notify(notify) if notify.recipient().is_err() => {
                Err(("notify.to", "must be a login, assignee or on_call"))
            }
            _ => Ok(()),
        }
    }
}

/// Who gets a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// Whoever has the task.
    Assignee,
    /// Every active member who is on call.
    OnCall,
    /// This member.
    Member(Login),
}

impl Notify {
    /// Who gets it.
    ///
    /// # Errors
    /// `to` is neither a word for somebody nor a login.
    pub fn recipient(&self) -> Result<Recipient, String> {
        match self.to.as_str() {
            "assignee" => Ok(Recipient::Assignee),
            "on_call" => Ok(Recipient::OnCall),
            login => login.parse().map(Recipient::Member),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> Vec<String> {
        let rule: NewRule = toml::from_str(text).unwrap();
        let errors = rule.validate().err().unwrap_or_default();
        errors.into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn every_wrong_field_of_a_rule_is_named() {
        let right = r#"
            name = "thanks"
            when = "item_opened"
            if = { kind = "pull_request", author = "community" }
            then = [
                { set_status = "needs_review" }, { comment = "Thank you, {author}!" }, { assign = "mona" },
                { add_reach = -5.0 }, { notify = { channel = "sms", to = "on_call", text = "x" } },
            ]"#;
        assert!(wrong(right).is_empty());
        let bad = r#"
            name = ""
            when = "item_opened"
            if = { label = "security" }
            then = [
                { add_reach = 0.0 }, { comment = " " }, { notify = { channel = "sms", to = "a b", text = "x" } },
                { notify = { channel = "sms", to = "mona", text = "" } },
            ]"#;
        let fields = [
            "name",
            "if.label",
            "then[0].add_reach",
            "then[1].comment",
            "then[2].notify.to",
            "then[3].notify.text",
        ];
        assert_eq!(wrong(bad), fields);
        assert_eq!(wrong("name = 'x'\nwhen = 'item_opened'\nthen = []"), ["then"]);
        assert_eq!(wrong("name = '\u{200b}'\nwhen = 'item_opened'\nthen = [{ add_reach = 1.0 }]"), ["name"]);
    }

    #[test]
    fn a_thousand_wrong_actions_are_not_a_thousand_errors() {
        let wrong = wrong(&format!(
            "name = 'x'\nwhen = 'item_opened'\nthen = [{}]",
            "{ add_reach = 0.0 },".repeat(1_000)
        ));
        assert_eq!((wrong.len(), wrong[0].as_str(), wrong[10].as_str()), (11, "then", "then[9].add_reach"));
    }
}
