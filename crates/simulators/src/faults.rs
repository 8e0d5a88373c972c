//! Failing on demand: which call fails, how, and how often.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The services of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Service {
    GitHub,
    SendGrid,
    Twilio,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FaultKind {
    /// The hour's budget is spent: GitHub's 200 with `RATE_LIMIT`, 429 elsewhere.
    RateLimit,
    /// Too much at once: GitHub's 403, or with `status` 200 its answer to a query; 429 elsewhere. With
    /// `Retry-After` unless `silent`.
    SecondaryLimit,
    /// GitHub's 200 for a query that took it too long: an error without a type.
    Timeout,
    /// An answer with `status` and the service's error body.
    Status,
    /// The right answer, `delay_ms` late.
    Delay,
    /// A list of issues or pull requests with more than `items` a page is too much: GitHub's `RESOURCE_LIMITS_EXCEEDED`, or an
    /// answer with `status`. Whatever asks for less is answered.
    Heavy,
    /// GitHub does not show `field` of an item: the error type `FORBIDDEN`, and `null` where the schema allows it.
    Forbidden,
    /// Headers and half of the body, then the connection is closed.
    Cut,
    /// 200 with JSON that ends in the middle.
    Malformed,
}

/// The fields that can be forbidden.
const FORBIDDABLE: [&str; 3] = ["comments", "labels", "reviews"];

/// Body of `POST /control/faults`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    pub(crate) service: Service,
    pub(crate) kind: FaultKind,
    /// For `status`: 400 to 599; 500 unless told. For `heavy` the same, and no status unless told. For `secondary_limit`: 200, 403 or 429; 403 unless told.
    #[serde(default)]
    pub(crate) status: Option<u16>,
    /// Milliseconds before the answer begins; also with the other kinds. At most ten minutes.
    #[serde(default)]
    pub(crate) delay_ms: Option<u64>,
    /// How many calls fail; `null`: all until cleared (or until the reset of a limit).
    #[serde(default = "once")]
    pub(crate) times: Option<u32>,
    /// How many calls pass first.
    #[serde(default)]
    pub(crate) skip: u32,
    /// For the limits: when the client may try again. 60 unless told.
    #[serde(default)]
    pub(crate) reset_after_seconds: Option<u32>,
    /// For `secondary_limit`: nothing says when the client may try again.
    #[serde(default)]
    pub(crate) silent: bool,
    /// For `heavy`: the largest page.
    #[serde(default)]
    pub(crate) items: Option<i32>,
    /// For `forbidden`: `comments`, `labels` or `reviews`.
    #[serde(default)]
    pub(crate) field: Option<String>,
    /// For `forbidden`: the number of the only item that it is about.
    #[serde(default)]
    pub(crate) number: Option<i64>,
    /// Only calls whose body holds this text, e.g. `addComment`.
    #[serde(default)]
    pub(crate) contains: Option<String>,
    /// The request takes effect, then the answer fails: what a client cannot tell from a call that
    /// never arrived.
    #[serde(default)]
    pub(crate) after: bool,
    /// When a limit ends; set when the fault is.
    #[serde(default, skip_deserializing)]
    pub(crate) reset_at: Option<Timestamp>,
}

#[expect(clippy::unnecessary_wraps, reason = "serde wants the field's type")]
fn once() -> Option<u32> {
    Some(1)
}

impl Fault {
    /// The status to answer.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
            .and_then(|status| StatusCode::from_u16(status).ok())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Seconds after which a limited client may try again.
    pub(crate) fn reset_after(&self) -> u32 {
        self.reset_after_seconds.unwrap_or(60)
    }

    /// Whether it can be done at all.
    fn check(&self) -> Result<(), &'static str> {
        if self.kind == FaultKind::SecondaryLimit {
            if self.status.is_some_and(|status| !matches!(status, 200 | 403 | 429)) {
                return Err("the status of a secondary_limit must be 200, 403 or 429");
            }
        } else if self.status.is_some_and(|status| !(400..=599).contains(&status)) {
            return Err("status must lie between 400 and 599");
        }
        if matches!(self.kind, FaultKind::Timeout | FaultKind::Heavy | FaultKind::Forbidden)
            && self.service != Service::GitHub
        {
            return Err("only github has this kind; elsewhere use status or delay");
        }
        if self.kind == FaultKind::Heavy && self.items.is_none_or(|items| items < 1) {
            return Err("heavy needs items, the largest page that is not");
        }
        if self.kind == FaultKind::Forbidden
            && !self.field.as_deref().is_some_and(|field| FORBIDDABLE.contains(&field))
        {
            return Err("forbidden needs a field: comments, labels or reviews");
        }
        if self.kind == FaultKind::Delay && self.delay_ms.is_none() {
            return Err("a delay needs delay_ms");
        }
        if self.delay_ms.is_some_and(|delay| delay > 600_000) {
            return Err("delay_ms must be at most 600000");
        }
        if self.times == Some(0) {
            return Err("times must be at least 1, or null for always");
        }
        Ok(())
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.reset_at.is_some_and(|reset| reset <= now)
    }

    fn is_about(&self, service: Service, body: &[u8]) -> bool {
        let holds = |text: &String| String::from_utf8_lossy(body).contains(text.as_str());
        self.service == service && self.contains.as_ref().is_none_or(holds)
    }
}

/// The faults that wait for their call, in the order in which they were set.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    /// Sets one more.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn set(&self, mut fault: Fault, now: Timestamp) -> Result<Fault, &'static str> {
        fault.check()?;
        if matches!(fault.kind, FaultKind::RateLimit | FaultKind::SecondaryLimit) {
            let wait = SignedDuration::from_secs(fault.reset_after().into());
            fault.reset_at = now.checked_add(wait).ok();
        }
        self.lock().push(fault.clone());
        Ok(fault)
    }

    /// The fault of a call of `service` with this body: the first that is about it and has no calls left
    /// to let pass.
    pub(crate) fn take(&self, service: Service, body: &[u8], now: Timestamp) -> Option<Fault> {
        let mut faults = self.lock();
        faults.retain(|fault| !fault.is_over(now));
        for index in 0..faults.len() {
            let fault = &mut faults[index];
            if !fault.is_about(service, body) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            let taken = fault.clone();
            if let Some(times) = &mut fault.times {
                *times -= 1;
                if *times == 0 {
                    faults.remove(index);
                }
            }
            return Some(taken);
        }
        None
    }

    /// Those that have not ended.
    pub(crate) fn list(&self, now: Timestamp) -> Vec<Fault> {
        let mut faults = self.lock();
        faults.retain(|fault| !fault.is_over(now));
        faults.clone()
    }

    /// Takes all away.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: &str) -> Fault {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_fault_skips_fires_so_often_and_is_gone() {
        let faults = Faults::default();
        let now = Timestamp::UNIX_EPOCH;
        let json = r#"{"service":"github","kind":"status","status":502,"skip":1,"times":2,"contains":"add"}"#;
        faults.set(fault(json), now).unwrap();
        let fires = |service, body: &[u8]| faults.take(service, body, now).is_some();
        assert!(!fires(Service::Twilio, b"add"));
        assert!(!fires(Service::GitHub, b"other"));
        assert_eq!([0; 4].map(|_| fires(Service::GitHub, b"add")), [false, true, true, false]);
    }

    #[test]
    fn a_limit_ends_with_its_reset_though_it_is_for_all_calls() {
        let faults = Faults::default();
        let json = r#"{"service":"github","kind":"rate_limit","times":null,"reset_after_seconds":2}"#;
        faults.set(fault(json), Timestamp::UNIX_EPOCH).unwrap();
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        assert!(faults.take(Service::GitHub, b"", at(1)).is_some());
        assert!(faults.take(Service::GitHub, b"", at(1)).is_some());
        assert!(faults.take(Service::GitHub, b"", at(2)).is_none());
    }

    #[test]
    fn a_fault_that_cannot_be_done_is_refused() {
        for json in [
            r#"{"service":"github","kind":"status","status":200}"#,
            r#"{"service":"github","kind":"delay"}"#,
            r#"{"service":"github","kind":"cut","times":0}"#,
            r#"{"service":"github","kind":"secondary_limit","status":500}"#,
            r#"{"service":"twilio","kind":"timeout"}"#,
            r#"{"service":"github","kind":"heavy"}"#,
            r#"{"service":"github","kind":"forbidden","field":"title"}"#,
        ] {
            assert!(Faults::default().set(fault(json), Timestamp::UNIX_EPOCH).is_err(), "{json}");
        }
    }
}
