//! Text messages, through Twilio's `POST /2010-04-01/Accounts/{sid}/Messages.json`.
//!
//! With a real account: `TWILIO_ACCOUNT_SID`, `TWILIO_AUTH_TOKEN`, and as `SMS_FROM` a number that the account owns, in
//! E.164. Source: Twilio, *Messages resource*.

use anyhow::Context;
use chassis::auth::Secret;
use reqwest::{Url, header};
use serde::Deserialize;

use crate::{
    outcome::{Outcome, TIMEOUT, outcome},
    queued::Queued,
};

/// The client.
#[derive(Debug, Clone)]
pub struct Twilio {
    http: reqwest::Client,
    url: Url,
    account: String,
    token: Secret,
    from: String,
}

impl Twilio {
    /// A client of the API at `url` (`https://api.twilio.com`), whose messages come from the number `from`.
    ///
    /// # Errors
    /// No certificate store, or a URL that cannot have a path.
    pub fn new(url: &Url, account: String, token: Secret, from: String) -> anyhow::Result<Self> {
        let http = chassis::client::client(TIMEOUT)?;
        let url = chassis::client::under(url, &["2010-04-01", "Accounts", &account, "Messages.json"])
            .context("TWILIO_API_URL is no http(s) address")?;
        Ok(Self { http, url, account, token, from })
    }

    /// Sends one text message.
    pub(crate) async fn send(&self, message: &Queued) -> Outcome {
        let from = message.sender.as_ref().unwrap_or(&self.from);
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("To", &message.recipient)
            .append_pair("From", from)
            .append_pair("Body", &message.body)
            .finish();
        let answer = self
            .http
            .post(self.url.clone())
            .basic_auth(&self.account, Some(self.token.expose()))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await;
        outcome("Twilio", answer, complaint).await
    }
}

/// Twilio's message, with its code.
fn complaint(body: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Complaint {
        code: Option<i64>,
        message: String,
    }
    let complaint: Complaint = serde_json::from_str(body).ok()?;
    Some(match complaint.code {
        Some(code) => format!("{} ({code})", complaint.message),
        None => complaint.message,
    })
}
