//! The providers in the configuration of a process.

use chassis::{auth::Secret, config::http_url, process::Misconfigured};

use crate::{Providers, sendgrid::SendGrid, twilio::Twilio};

/// Configuration of the providers of messages. One whose credentials are missing refuses its messages.
#[derive(Debug, Clone, clap::Args)]
pub struct ProvidersConfig {
    /// Key with which we ask SendGrid.
    #[arg(long, env, hide_env_values = true, value_name = "SENDGRID_API_KEY")]
    sendgrid_api_key: Option<Secret>,
    /// Where SendGrid's API is.
    #[arg(long, env, value_name = "SENDGRID_API_URL", default_value = "https://api.sendgrid.com", value_parser = http_url)]
    sendgrid_api_url: reqwest::Url,
    /// Address that mails come from.
    #[arg(long, env, value_name = "MAIL_FROM")]
    mail_from: Option<String>,
    /// Account at Twilio.
    #[arg(long, env, value_name = "TWILIO_ACCOUNT_SID")]
    twilio_account_sid: Option<String>,
    /// Token of that account.
    #[arg(long, env, hide_env_values = true, value_name = "TWILIO_AUTH_TOKEN")]
    twilio_auth_token: Option<Secret>,
    /// Where Twilio's API is.
    #[arg(long, env, value_name = "TWILIO_API_URL", default_value = "https://api.twilio.com", value_parser = http_url)]
    twilio_api_url: reqwest::Url,
    /// Number that text messages come from, in E.164.
    #[arg(long, env, value_name = "SMS_FROM")]
    sms_from: Option<String>,
}

impl ProvidersConfig {
    /// The providers that have credentials.
    ///
    /// # Errors
    /// One line, when a provider has credentials and lacks the rest; no certificate store.
    pub fn providers(&self) -> anyhow::Result<Providers> {
        let mail = match (&self.sendgrid_api_key, &self.mail_from) {
            (Some(key), Some(from)) => {
                Some(SendGrid::new(&self.sendgrid_api_url, key.clone(), from.clone())?)
            }
            (Some(_), None) => return Err(lacks("SENDGRID_API_KEY", "MAIL_FROM")),
            (None, _) => None,
        };
        let text = match (&self.twilio_account_sid, &self.twilio_auth_token, &self.sms_from) {
            (Some(account), Some(token), Some(from)) => {
                Some(Twilio::new(&self.twilio_api_url, account.clone(), token.clone(), from.clone())?)
            }
            (Some(_), None, _) => return Err(lacks("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")),
            (Some(_), _, None) => return Err(lacks("TWILIO_ACCOUNT_SID", "SMS_FROM")),
            (None, ..) => None,
        };
        Ok(Providers { mail, text })
    }
}

fn lacks(given: &str, missing: &str) -> anyhow::Error {
    Misconfigured(format!("{given} is set, but {missing} is not")).into()
}
