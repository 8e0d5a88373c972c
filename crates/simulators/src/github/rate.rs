//! GitHub's primary rate limit: points an hour, and the headers that tell how many are left.
//!
//! Real queries cost by the number of nested requests; ours cost one point each, which real ones of this
//! size do too. The hour is the machine's, because clients wait by theirs.

use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

use super::model::{after, whole_seconds};

const HOUR: i64 = 3600;

/// What a token has left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// Points an hour.
    pub(crate) limit: i32,
    /// Points spent in this hour.
    pub(crate) used: i32,
    /// When the next hour begins.
    pub(crate) reset_at: Timestamp,
}

impl Budget {
    pub(crate) fn remaining(&self) -> i32 {
        (self.limit - self.used).max(0)
    }

    /// A budget with nothing left until `reset_at`.
    pub(crate) fn spent(limit: i32, reset_at: Timestamp) -> Self {
        Self { limit, used: limit, reset_at }
    }

    /// `x-ratelimit-…`, the reset in seconds since 1970.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        for (name, value) in [
            ("x-ratelimit-limit", self.limit.into()),
            ("x-ratelimit-remaining", self.remaining().into()),
            ("x-ratelimit-used", self.used.into()),
            ("x-ratelimit-reset", self.reset_at.as_second()),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
        headers.insert("x-ratelimit-resource", HeaderValue::from_static("graphql"));
    }
}

/// Counts the queries of an hour.
#[derive(Debug)]
pub(crate) struct Meter(Mutex<Budget>);

impl Meter {
    pub(crate) fn new(limit: i32) -> Self {
        Self(Mutex::new(Budget { limit, used: 0, reset_at: Timestamp::UNIX_EPOCH }))
    }

    /// Spends a point; `Err` when none was left.
    pub(crate) fn spend(&self, now: Timestamp) -> Result<Budget, Budget> {
        let mut budget = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if budget.reset_at <= now {
            *budget = Budget { used: 0, reset_at: after(whole_seconds(now), HOUR), ..*budget };
        }
        if budget.remaining() == 0 {
            return Err(*budget);
        }
        budget.used += 1;
        Ok(*budget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_spent_and_comes_back_with_the_hour() {
        let meter = Meter::new(2);
        let now = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(500);
        assert_eq!(meter.spend(now).unwrap().remaining(), 1);
        assert_eq!(meter.spend(now).unwrap().remaining(), 0);
        assert_eq!(meter.spend(now).unwrap_err().remaining(), 0);
        assert_eq!(meter.spend(after(now, HOUR)).unwrap().used, 1);
    }
}
