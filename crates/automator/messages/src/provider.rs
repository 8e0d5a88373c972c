//! What both providers have in common: one call, and three ways for it to end.

use std::time::Duration;

use domain::Channel;
use jiff::Timestamp;
use reqwest::{Response, StatusCode, header::HeaderMap};

use crate::{queue::Queued, sendgrid::SendGrid, twilio::Twilio};

/// How long one call may take, its answer included. Shorter than a drain, so that a stop finds no message half sent.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// The longest reason that is kept of a provider's answer, in characters.
const LONGEST_REASON: usize = 300;

/// How a call ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The provider took the message.
    Sent,
    /// It will not take this message, however often it is asked.
    Refused(String),
    /// No answer, or one that may be another later. Whether the message went out is not known.
    Later {
        /// Why not now.
        reason: String,
        /// How long it wants to be left alone.
        after: Option<Duration>,
    },
}

impl Outcome {
    fn later(reason: impl Into<String>) -> Self {
        Self::Later { reason: reason.into(), after: None }
    }
}

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

/// How the call to `provider` ended; `complaint` finds in the body of a refusal what it is about.
pub(crate) async fn outcome(
    provider: &str,
    answer: Result<Response, reqwest::Error>,
    complaint: impl FnOnce(&str) -> Option<String>,
) -> Outcome {
    let response = match answer {
        Ok(response) => response,
        // Without its URL, which has Twilio's account in it.
        Err(error) => {
            return Outcome::later(format!("{provider} does not answer: {}", cause(&error.without_url())));
        }
    };
    let status = response.status();
    let asked = asked_pause(response.headers(), Timestamp::now());
    // The answer is the headers: of a body that does not come, a success needs nothing.
    if status.is_success() {
        return Outcome::Sent;
    }
    let body = response.text().await.unwrap_or_default();
    let detail = complaint(&body).map(|text| format!(": {text}")).unwrap_or_default();
    let reason: String =
        format!("{provider} answers {}{detail}", status.as_u16()).chars().take(LONGEST_REASON).collect();
    // Credentials can be mended while a message waits; what is wrong with the message itself cannot.
    let may_change = status.is_server_error()
        || matches!(
            status,
            StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
                | StatusCode::NOT_FOUND
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::TOO_MANY_REQUESTS
        );
    if may_change { Outcome::Later { reason, after: asked } } else { Outcome::Refused(reason) }
}

/// What lies under reqwest's words.
fn cause(error: &reqwest::Error) -> String {
    let mut source: &dyn std::error::Error = error;
    while let Some(deeper) = source.source() {
        source = deeper;
    }
    if error.is_timeout() { format!("no answer within {} s", TIMEOUT.as_secs()) } else { source.to_string() }
}

/// How long the provider wants to be left alone: `Retry-After` in seconds (RFC 9110), or SendGrid's `X-RateLimit-Reset`,
/// seconds since 1970, when `X-RateLimit-Remaining` is 0. An hour at most: a clock may be wrong.
fn asked_pause(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let seconds = number("retry-after").or_else(|| {
        let spent = number("x-ratelimit-remaining") == Some(0);
        number("x-ratelimit-reset").filter(|_| spent).map(|reset| reset - now.as_second())
    })?;
    Some(Duration::from_secs(seconds.clamp(0, 3_600).unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_says_in_two_ways_when_to_come_back() {
        let pause = |pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            asked_pause(&headers, Timestamp::from_second(1_000).unwrap()).map(|pause| pause.as_secs())
        };
        assert_eq!(pause(&[("retry-after", "7")]), Some(7));
        assert_eq!(pause(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1009")]), Some(9));
        assert_eq!(pause(&[("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "1009")]), None);
        assert_eq!(pause(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")]), Some(0));
        assert_eq!(pause(&[("retry-after", "999999")]), Some(3_600));
        assert_eq!(pause(&[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")]), None);
        assert_eq!(pause(&[]), None);
    }
}
