//! Messages to people, and how their delivery ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{FieldError, Login, Member, checked, names, team, text::is_visible};

names! {
    /// The way a message takes.
    Channel {
        /// E-mail.
        Email = "email",
        /// Text message.
        Sms = "sms",
    }
}

names! {
    /// How far a message has come.
    NotificationStatus {
        /// Waits for its turn, or for its next attempt.
        Queued = "queued",
        /// The provider took it.
        Sent = "sent",
        /// It will not be sent; the reason is given.
        Failed = "failed",
    }
}

/// A message as `GET /api/notifications/{id}` shows it, without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Notification {
    /// UUIDv7.
    pub id: Uuid,
    /// The way it takes.
    pub channel: Channel,
    /// Address or number of the recipient.
    pub to: String,
    /// Subject of a mail; `null` for a text message.
    pub subject: Option<String>,
    /// How far it has come.
    pub status: NotificationStatus,
    /// Why it failed, or why the last attempt did; `null` when it is sent.
    pub reason: Option<String>,
    /// How often it was handed to the provider.
    pub attempts: i64,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When anything of this last changed.
    pub updated_at: Timestamp,
}

/// A message to queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// UUIDv7, made by whoever wants it sent: it has a name before anybody has taken it.
    pub id: Uuid,
    /// What makes it the same message: a second one with this key is not queued, whatever its id.
    pub key: String,
    /// The way to take.
    pub channel: Channel,
    /// In place of the configured sender.
    pub sender: Option<String>,
    /// Address or number.
    pub to: String,
    /// Of a mail.
    pub subject: Option<String>,
    /// Plain text.
    pub body: String,
}

/// A message to members of the team, before anybody has said where it reaches them: no address travels in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToMembers {
    /// With the login of a member behind it, the [`Message::key`] of what that member gets.
    pub key: String,
    /// The way to take.
    pub channel: Channel,
    /// Who gets it.
    pub to: Addressee,
    /// Of a mail.
    pub subject: Option<String>,
    /// Plain text.
    pub body: String,
}

/// Whom a message to members is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Addressee {
    /// Every active member who is on call.
    OnCall,
    /// This member, while they are active.
    Member(Login),
}

impl ToMembers {
    /// What that member gets, whom `address` reaches.
    #[must_use]
    pub fn message(&self, login: &str, address: String) -> Message {
        Message {
            id: Uuid::now_v7(),
            key: format!("{} {login}", self.key),
            channel: self.channel,
            sender: None,
            to: address,
            subject: self.subject.clone(),
            body: self.body.clone(),
        }
    }

    /// A message for each of the `active` members whom it is for and whom its channel reaches.
    #[must_use]
    pub fn messages(&self, active: &[Member]) -> Vec<Message> {
        let is_meant = |member: &&Member| match &self.to {
            Addressee::OnCall => member.on_call,
            Addressee::Member(login) => member.login == *login,
        };
        let address = |member: &Member| match self.channel {
            Channel::Email => Some(member.email.clone()),
            Channel::Sms => member.phone.clone(),
        };
        let message = |member: &Member| Some(self.message(member.login.as_str(), address(member)?));
        active.iter().filter(is_meant).filter_map(message).collect()
    }
}

/// Body of `POST /api/notifications`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNotification {
    /// The way to take.
    pub channel: Channel,
    /// An e-mail address, or a number in E.164.
    pub to: String,
    /// 1 to 200 characters; wanted for a mail, refused for a text message.
    #[serde(default)]
    pub subject: Option<String>,
    /// Plain text: 1 to 10,000 characters by mail, 1 to 1,600 by text message (Twilio's limit).
    pub body: String,
}

impl NewNotification {
    /// Whether every field is right.
    ///
    /// # Errors
    /// Every field that is wrong.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut errors = Vec::new();
        let longest = match self.channel {
            Channel::Email => {
                team::check_email("to", Some(&self.to), &mut errors);
                let right = |subject: &str| is_text(subject, 200) && !subject.contains(['\r', '\n']);
                if !self.subject.as_deref().is_some_and(right) {
                    errors.push(FieldError::new("subject", "must have 1 to 200 characters in one line"));
                }
                10_000
            }
            Channel::Sms => {
                team::check_phone("to", Some(&self.to), &mut errors);
                if self.subject.is_some() {
                    errors.push(FieldError::new("subject", "must be left out: a text message has none"));
                }
                1_600
            }
        };
        if !is_text(&self.body, longest) {
            errors.push(FieldError::new("body", format!("must have 1 to {longest} characters")));
        }
        checked(errors)
    }
}

/// Whether `from` can be the sender of a message.
///
/// # Errors
/// What is wrong with `from`.
pub fn check_sender(channel: Channel, from: &str) -> Result<(), FieldError> {
    let mut errors = Vec::new();
    match channel {
        Channel::Email => team::check_email("from", Some(from), &mut errors),
        Channel::Sms => team::check_phone("from", Some(from), &mut errors),
    }
    errors.pop().map_or(Ok(()), Err)
}

/// Answer of `POST /api/digests`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Digests {
    /// A mail for each active member.
    pub notifications: Vec<Notification>,
}

/// Whether there is something to see, no more than `longest` characters, and no NUL, which PostgreSQL takes in no text.
pub(crate) fn is_text(text: &str, longest: usize) -> bool {
    is_visible(text) && text.chars().count() <= longest && !text.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(channel: Channel, to: &str, subject: Option<&str>, body: &str) -> Vec<String> {
        let new = NewNotification {
            channel,
            to: to.to_owned(),
            subject: subject.map(str::to_owned),
            body: body.to_owned(),
        };
        let errors = new.validate().err().unwrap_or_default();
        errors.into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn each_channel_has_its_own_rules_and_every_wrong_field_is_named() {
        assert!(wrong(Channel::Email, "a@example.com", Some("Hello"), "text").is_empty());
        assert!(wrong(Channel::Sms, "+15551234567", None, &"x".repeat(1_600)).is_empty());
        assert_eq!(wrong(Channel::Email, "+15551234567", None, " "), ["to", "subject", "body"]);
        assert_eq!(
            wrong(Channel::Sms, "a@example.com", Some("x"), &"x".repeat(1_601)),
            ["to", "subject", "body"]
        );
        assert_eq!(
            wrong(Channel::Email, "a@example.com", Some("a\r\nBcc: b@c.d"), "x\0"),
            ["subject", "body"]
        );
    }
}
