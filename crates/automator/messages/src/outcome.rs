//! How a call to a provider ends: what both have in common.

use std::time::{Duration, SystemTime};

use chassis::client::retry_after;
use reqwest::{Response, StatusCode, header::HeaderMap};

/// How long one call may take, its answer included. Shorter than a drain, so that a stop finds no message half sent.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// The longest reason that is kept of a provider's answer, in characters.
const LONGEST_REASON: usize = 300;

/// The longest that a provider may ask to be left alone: its clock may be wrong, or ours.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// How old a message becomes that a provider does not let us send: a key that is changed at the provider is not changed here
/// in the same moment.
pub(crate) const LOCKED_OUT: Duration = Duration::from_hours(1);

/// How a call ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The provider took the message.
    Sent,
    /// It will not take this message, however often it is asked.
    Refused(String),
    /// It does not let us: the message is right, and our credentials are not, or not any more.
    LockedOut(String),
    /// No answer, or one that may be another later. Whether the message went out is not known.
    Later {
        /// Why not now.
        reason: String,
        /// How long it wants to be left alone.
        after: Option<Duration>,
    },
}

impl Outcome {
    /// What an answer without success means for the message: final, or for how long it is tried again.
    ///
    /// | status | | |
    /// |---|---|---|
    /// | 3xx | they are elsewhere for a while, or something in between answers; we follow nobody | tried for a day |
    /// | 401, 403 | the key is being changed, or lacks a right | tried until it is an hour old |
    /// | 408, 425, 429 | not now | tried for a day, as late as they ask for |
    /// | other 4xx | this message, or this address of the API, is wrong, and is so the next time too; 404 is one: an account or a path that is not there | final |
    /// | 5xx | their side | tried for a day |
    fn of(status: StatusCode, reason: String, after: Option<Duration>) -> Self {
        match status.as_u16() {
            401 | 403 => Self::LockedOut(reason),
            408 | 425 | 429 => Self::Later { reason, after },
            400..=499 => Self::Refused(reason),
            _ => Self::Later { reason, after },
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
            let reason = format!("{provider} does not answer: {}", cause(&error.without_url()));
            return Outcome::Later { reason, after: None };
        }
    };
    let status = response.status();
    let asked = asked_pause(response.headers(), SystemTime::now());
    // The answer is the headers: of a body that does not come, a success needs nothing.
    if status.is_success() {
        return Outcome::Sent;
    }
    let body = response.text().await.unwrap_or_default();
    let detail = complaint(&body).map(|text| format!(": {text}")).unwrap_or_default();
    let reason: String =
        format!("{provider} answers {}{detail}", status.as_u16()).chars().take(LONGEST_REASON).collect();
    Outcome::of(status, reason, asked)
}

/// What lies under reqwest's words.
fn cause(error: &reqwest::Error) -> String {
    let mut source: &dyn std::error::Error = error;
    while let Some(deeper) = source.source() {
        source = deeper;
    }
    if error.is_timeout() { format!("no answer within {} s", TIMEOUT.as_secs()) } else { source.to_string() }
}

/// How long the provider wants to be left alone: `Retry-After`, or SendGrid's `X-RateLimit-Reset`, seconds since 1970, when
/// `X-RateLimit-Remaining` is 0.
fn asked_pause(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let reset = || {
        let spent = number("x-ratelimit-remaining") == Some(0);
        let reset = number("x-ratelimit-reset").filter(|_| spent)?;
        let until = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(reset))?;
        Some(until.duration_since(now).unwrap_or_default())
    };
    let asked = retry_after(headers, now).or_else(reset);
    asked.map(|pause| pause.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_says_in_several_ways_when_to_come_back() {
        let pause = |pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            // Wednesday, 21 October 2015, 07:28:00 GMT.
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_480);
            asked_pause(&headers, now).map(|pause| pause.as_millis())
        };
        assert_eq!(pause(&[("retry-after", "1.5")]), Some(1_500));
        assert_eq!(pause(&[("retry-after", "Wed, 21 Oct 2015 07:28:09 GMT")]), Some(9_000));
        assert_eq!(pause(&[("retry-after", "999999")]), Some(3_600_000), "an hour at most");
        let reset =
            |left: &str, at: &str| pause(&[("x-ratelimit-remaining", left), ("x-ratelimit-reset", at)]);
        assert_eq!(reset("0", "1445412489"), Some(9_000));
        assert_eq!((reset("1", "1445412489"), reset("0", "1")), (None, Some(0)));
        assert_eq!(pause(&[]), None);
    }

    #[test]
    fn a_status_says_whether_it_is_worth_asking_again() {
        let says = |status: u16| match Outcome::of(StatusCode::from_u16(status).unwrap(), String::new(), None)
        {
            Outcome::Refused(_) => "final",
            Outcome::LockedOut(_) => "an hour",
            Outcome::Later { .. } => "a day",
            Outcome::Sent => "sent",
        };
        for (statuses, wanted) in [
            (&[300, 301, 302, 303, 304, 307, 308, 408, 425, 429, 500, 501, 502, 503, 504, 529][..], "a day"),
            (&[401, 403], "an hour"),
            (&[400, 402, 404, 405, 406, 409, 410, 413, 415, 421, 422, 451], "final"),
        ] {
            for status in statuses {
                assert_eq!(says(*status), wanted, "{status}");
            }
        }
    }
}
