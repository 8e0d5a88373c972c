//! What clients ask for, as messages: `POST /api/notifications`, and the bodies of the tutorial's `/email` and `/sms`.

use axum::http::StatusCode;
use chassis::{
    Fault,
    idempotency::{Answer, Once},
};
use domain::{Channel, FieldError, Message, NewNotification, Notification, check_sender};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The message that is asked for.
///
/// # Errors
/// 422 naming the fields that are wrong.
pub fn message(new: NewNotification) -> Result<Message, Fault> {
    new.validate().map_err(Fault::Invalid)?;
    Ok(addressed(None, new))
}

/// The answer to a request for one message: 202, with where to look how far it has come.
///
/// # Errors
/// [`Fault::Internal`] when none was queued.
pub fn accepted(queued: Once<Vec<Notification>>) -> Result<Answer, Fault> {
    let Once { value, replayed } = queued;
    let queued = value.into_iter().next().ok_or_else(|| Fault::internal("no answer for a message"))?;
    let location = format!("/api/notifications/{}", queued.id);
    Ok(Once { value: queued, replayed }.answer(StatusCode::ACCEPTED)?.at(location))
}

fn addressed(sender: Option<String>, new: NewNotification) -> Message {
    let NewNotification { channel, to, subject, body } = new;
    let id = Uuid::now_v7();
    Message { id, key: id.to_string(), channel, sender, to, subject, body }
}

/// Body of `POST /email`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct LegacyEmail {
    /// Address that it comes from: one that SendGrid knows as a sender.
    from_email: String,
    /// Address that it goes to.
    to_email: String,
    /// 1 to 200 characters.
    subject: String,
    /// 1 to 10,000 characters.
    content: String,
}

/// Body of `POST /sms`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct LegacySms {
    /// Number that it comes from: one that the account at Twilio owns.
    from_number: String,
    /// Number that it goes to.
    to_number: String,
    /// 1 to 1,600 characters.
    body: String,
}

impl LegacyEmail {
    /// The message that it asks for.
    ///
    /// # Errors
    /// 422 naming the fields that are wrong.
    pub fn message(self) -> Result<Message, Fault> {
        let new = NewNotification {
            channel: Channel::Email,
            to: self.to_email,
            subject: Some(self.subject),
            body: self.content,
        };
        let names = [("from", "from_email"), ("to", "to_email"), ("body", "content")];
        in_old_words(self.from_email, new, &names)
    }
}

impl LegacySms {
    /// The message that it asks for.
    ///
    /// # Errors
    /// 422 naming the fields that are wrong.
    pub fn message(self) -> Result<Message, Fault> {
        let new =
            NewNotification { channel: Channel::Sms, to: self.to_number, subject: None, body: self.body };
        in_old_words(self.from_number, new, &[("from", "from_number"), ("to", "to_number")])
    }
}

/// The message that an old body asks for. `names` are the old names of the fields.
fn in_old_words(from: String, new: NewNotification, names: &[(&str, &str)]) -> Result<Message, Fault> {
    let mut errors = check_sender(new.channel, &from).err().into_iter().collect::<Vec<_>>();
    errors.extend(new.validate().err().into_iter().flatten());
    if !errors.is_empty() {
        let renamed = |error: FieldError| {
            let old = names.iter().find(|(name, _)| *name == error.field);
            FieldError { field: old.map_or(error.field, |(_, old)| (*old).to_owned()), ..error }
        };
        return Err(Fault::Invalid(errors.into_iter().map(renamed).collect()));
    }
    Ok(addressed(Some(from), new))
}
