//! GitHub's limits: which answer means one, and how long everybody waits then.
//!
//! Sources: GitHub, *Rate limits and query limits for the GraphQL API* and *Best practices for using the
//! REST API*: wait as long as `Retry-After` says; with nothing left, until `x-ratelimit-reset`; else a
//! minute, and longer each time.

use std::time::{Duration, SystemTime};

use chassis::client::retry_after;
use jiff::Timestamp;
use reqwest::{StatusCode, header::HeaderMap};
use tokio::time::Instant;

/// The longest single wait; the window of the primary limit is an hour.
const LONGEST_WAIT: Duration = Duration::from_secs(3_700);

/// The shortest: a limit that is over already must not become a loop without a pause.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// The first wait that GitHub does not name; each one that follows doubles.
const UNNAMED_WAIT: Duration = Duration::from_secs(60);

/// Whether an error beside (or in place of) a query's data means a limit. Today's type is `RATE_LIMIT`, the
/// documentation says `RATE_LIMITED`, a secondary limit has none at all.
pub(super) fn is_limit(kind: Option<&str>, message: &str) -> bool {
    matches!(kind, Some("RATE_LIMIT" | "RATE_LIMITED")) || message.to_ascii_lowercase().contains("rate limit")
}

/// Whether an answer that is no success means a limit.
pub(super) fn is_limited(status: StatusCode, headers: &HeaderMap, message: &str) -> bool {
    match status {
        StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::FORBIDDEN => {
            headers.contains_key("retry-after")
                || number(headers, "x-ratelimit-remaining") == Some(0)
                || message.to_ascii_lowercase().contains("secondary rate limit")
        }
        _ => false,
    }
}

/// How long the headers of a limited answer tell to wait, if they do.
pub(super) fn named_wait(headers: &HeaderMap) -> Option<Duration> {
    if let Some(wait) = retry_after(headers, SystemTime::now()) {
        return Some(wait);
    }
    // The budget's reset says nothing about a limit of another kind.
    let spent = number(headers, "x-ratelimit-remaining") == Some(0);
    number(headers, "x-ratelimit-reset").filter(|_| spent).map(until)
}

fn number(headers: &HeaderMap, name: &str) -> Option<i64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// How long until `second` (Unix time), and one more: clocks differ.
pub(super) fn until(second: i64) -> Duration {
    let seconds = second.saturating_sub(Timestamp::now().as_second()).max(0);
    Duration::from_secs(seconds.unsigned_abs() + 1)
}

/// The wait that all calls share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hold {
    /// Nobody asks before.
    pub(super) until: Instant,
    /// How many times in a row a limit named no time.
    unnamed: u32,
}

impl Hold {
    /// Nothing to wait for.
    pub(super) fn none() -> Self {
        Self { until: Instant::now(), unnamed: 0 }
    }

    /// A call that left at `sent` met a limit, which names a time or does not.
    pub(super) fn extend(&mut self, sent: Instant, named: Option<Duration>) {
        // Calls that were under way together meet the same limit; only the first of them doubles the wait.
        if named.is_none() && sent < self.until {
            return;
        }
        let wait = named.unwrap_or_else(|| {
            self.unnamed += 1;
            UNNAMED_WAIT.saturating_mul(1 << (self.unnamed - 1).min(16))
        });
        self.until = self.until.max(Instant::now() + wait.clamp(SHORTEST_WAIT, LONGEST_WAIT));
    }

    /// A call was answered.
    pub(super) fn answered(&mut self) {
        self.unnamed = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        all.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn every_spelling_of_a_limit_is_one_and_nothing_else_is() {
        assert!(is_limit(Some("RATE_LIMIT"), "") && is_limit(Some("RATE_LIMITED"), ""));
        assert!(is_limit(None, "You have exceeded a secondary rate limit. Please wait"));
        assert!(!is_limit(Some("NOT_FOUND"), "Could not resolve") && !is_limit(None, "Something went wrong"));

        let (forbidden, nothing) = (StatusCode::FORBIDDEN, headers(&[]));
        assert!(is_limited(forbidden, &headers(&[("retry-after", "5")]), ""));
        assert!(is_limited(forbidden, &headers(&[("x-ratelimit-remaining", "0")]), ""));
        assert!(is_limited(forbidden, &nothing, "You have exceeded a secondary rate limit"));
        assert!(is_limited(StatusCode::TOO_MANY_REQUESTS, &nothing, ""));
        assert!(!is_limited(forbidden, &headers(&[("x-ratelimit-remaining", "7")]), "no right"));
        assert!(!is_limited(StatusCode::UNAUTHORIZED, &nothing, "Bad credentials"));
    }

    #[test]
    fn a_wait_is_named_by_retry_after_or_by_the_reset_of_a_spent_budget() {
        let reset = (Timestamp::now().as_second() + 100).to_string();
        let spent = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset.as_str())];
        assert!((95..=101).contains(&named_wait(&headers(&spent)).unwrap().as_secs()));
        assert_eq!(named_wait(&headers(&[("retry-after", "7"), spent[1]])), Some(Duration::from_secs(7)));
        let gone_by = ("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(named_wait(&headers(&[gone_by, spent[1]])), Some(Duration::ZERO), "a date is read too");
        assert_eq!(named_wait(&headers(&[("x-ratelimit-remaining", "42"), spent[1]])), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_without_a_name_doubles_each_time_up_to_the_longest() {
        let mut hold = Hold::none();
        let mut waits = Vec::new();
        for _ in 0..8 {
            let sent = Instant::now();
            // Four calls under way together.
            (0..4).for_each(|_| hold.extend(sent, None));
            waits.push((hold.until - sent).as_secs());
            tokio::time::sleep_until(hold.until).await;
        }
        assert_eq!(waits, [60, 120, 240, 480, 960, 1_920, 3_700, 3_700]);
        hold.answered();
        hold.extend(Instant::now(), None);
        assert_eq!(hold.until - Instant::now(), Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_named_wait_is_neither_nothing_nor_endless_and_never_shortens_another() {
        let mut hold = Hold::none();
        let now = Instant::now();
        hold.extend(now, Some(Duration::ZERO));
        assert_eq!(hold.until, now + SHORTEST_WAIT);
        hold.extend(now, Some(Duration::MAX));
        hold.extend(now, Some(Duration::from_secs(5)));
        assert_eq!(hold.until, now + LONGEST_WAIT);
    }
}
