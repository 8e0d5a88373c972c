//! The providers, by what they send.

use domain::Channel;

use crate::{outcome::Outcome, queued::Queued, sendgrid::SendGrid, twilio::Twilio};

/// The providers that are configured.
#[derive(Debug, Clone)]
pub struct Providers {
    /// For mails.
    pub mail: Option<SendGrid>,
    /// For text messages.
    pub text: Option<Twilio>,
}

impl Providers {
    /// Hands a message to the provider of its channel.
    pub(crate) async fn deliver(&self, id: &str, message: &Queued) -> Outcome {
        match message.channel.parse() {
            Ok(Channel::Email) => match &self.mail {
                Some(mail) => mail.send(id, message).await,
                None => Outcome::Refused("SENDGRID_API_KEY or MAIL_FROM is not set".to_owned()),
            },
            Ok(Channel::Sms) => match &self.text {
                Some(text) => text.send(message).await,
                None => Outcome::Refused(
                    "TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN or SMS_FROM is not set".to_owned(),
                ),
            },
            Err(error) => Outcome::Refused(error),
        }
    }
}
