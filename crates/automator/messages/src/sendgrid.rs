//! Mails, through SendGrid's `POST /v3/mail/send`.
//!
//! With a real account: an API key with the right *Mail Send* as `SENDGRID_API_KEY`, and as `MAIL_FROM` an address that
//! the account has verified as a sender. Source: SendGrid, *Mail Send*, API v3.

use anyhow::Context;
use chassis::auth::Secret;
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;

use crate::{
    outcome::{Outcome, TIMEOUT, outcome},
    queued::Queued,
};

/// The client.
#[derive(Debug, Clone)]
pub struct SendGrid {
    http: reqwest::Client,
    url: Url,
    key: Secret,
    from: String,
}

impl SendGrid {
    /// A client of the API at `url` (`https://api.sendgrid.com`), whose mails come from the address `from`.
    ///
    /// # Errors
    /// No certificate store, or a URL that cannot have a path.
    pub fn new(url: &Url, key: Secret, from: String) -> anyhow::Result<Self> {
        let http = chassis::client::client(TIMEOUT)?;
        Ok(Self {
            http,
            url: chassis::client::under(url, &["v3", "mail", "send"])
                .context("SENDGRID_API_URL is no http(s) address")?,
            key,
            from,
        })
    }

    /// Sends one mail. `id` travels with it as the custom argument `message`, which SendGrid's own records show.
    pub(crate) async fn send(&self, id: &str, message: &Queued) -> Outcome {
        let from = message.sender.as_ref().unwrap_or(&self.from);
        let mail = json!({
            "personalizations": [{ "to": [{ "email": message.recipient }], "custom_args": { "message": id } }],
            "from": { "email": from },
            "subject": message.subject,
            "content": [{ "type": "text/plain", "value": message.body }],
        });
        let answer = self.http.post(self.url.clone()).bearer_auth(self.key.expose()).json(&mail).send().await;
        outcome("SendGrid", answer, complaint).await
    }
}

/// The first error that SendGrid names, with its field.
fn complaint(body: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<One>,
    }
    #[derive(Deserialize)]
    struct One {
        message: String,
        field: Option<String>,
    }
    let errors: Errors = serde_json::from_str(body).ok()?;
    let first = errors.errors.into_iter().next()?;
    Some(match first.field {
        Some(field) => format!("{} ({field})", first.message),
        None => first.message,
    })
}
