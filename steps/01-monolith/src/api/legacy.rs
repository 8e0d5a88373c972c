//! The tutorial's routes of 2019, for clients that nobody will change any more.

use chassis::{
    Fault, Problem,
    extract::Json as JsonBody,
    idempotency::{Answer, IdempotencyKey, Keyed},
};
use domain::{Channel, FieldError, NewNotification, Notification, check_sender};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::notifications;
use crate::{Result, app::State, notify::Message};

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

/// Send a mail. Use `POST /api/notifications`.
///
/// # Errors
/// 422 naming the fields that are wrong.
#[utoipa::path(
    post,
    path = "/email",
    params(IdempotencyKey),
    request_body = LegacyEmail,
    security(("token" = [])),
    responses(
        (status = 202, body = Notification, headers(("Location" = String))),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
#[deprecated]
pub async fn email(
    state: axum::extract::State<State>,
    Keyed(key, JsonBody(mail)): Keyed<JsonBody<LegacyEmail>>,
) -> Result<Answer> {
    let new = NewNotification {
        channel: Channel::Email,
        to: mail.to_email,
        subject: Some(mail.subject),
        body: mail.content,
    };
    let names = [("from", "from_email"), ("to", "to_email"), ("body", "content")];
    let message = message(mail.from_email, new, &names)?;
    notifications::queue(&state, key, message).await
}

/// Send a text message. Use `POST /api/notifications`.
///
/// # Errors
/// 422 naming the fields that are wrong.
#[utoipa::path(
    post,
    path = "/sms",
    params(IdempotencyKey),
    request_body = LegacySms,
    security(("token" = [])),
    responses(
        (status = 202, body = Notification, headers(("Location" = String))),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
#[deprecated]
pub async fn sms(
    state: axum::extract::State<State>,
    Keyed(key, JsonBody(text)): Keyed<JsonBody<LegacySms>>,
) -> Result<Answer> {
    let new = NewNotification { channel: Channel::Sms, to: text.to_number, subject: None, body: text.body };
    let message = message(text.from_number, new, &[("from", "from_number"), ("to", "to_number")])?;
    notifications::queue(&state, key, message).await
}

/// The message that an old body asks for. `names` are the old names of the fields.
fn message(from: String, new: NewNotification, names: &[(&str, &str)]) -> Result<Message, Fault> {
    let mut errors = check_sender(new.channel, &from).err().into_iter().collect::<Vec<_>>();
    errors.extend(new.validate().err().into_iter().flatten());
    if !errors.is_empty() {
        let renamed = |error: FieldError| {
            let old = names.iter().find(|(name, _)| *name == error.field);
            FieldError { field: old.map_or(error.field, |(_, old)| (*old).to_owned()), ..error }
        };
        return Err(Fault::Invalid(errors.into_iter().map(renamed).collect()));
    }
    Ok(Message {
        key: Uuid::now_v7().to_string(),
        channel: new.channel,
        sender: Some(from),
        to: new.to,
        subject: new.subject,
        body: new.body,
    })
}
