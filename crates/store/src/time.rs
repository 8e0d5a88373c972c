//! Times as every table stores them: moments in milliseconds since 1970, days since 1970-01-01, both UTC.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chassis::Fault;
use jiff::{Span, Timestamp, civil::Date};

/// The first day that is counted.
const EPOCH: Date = jiff::civil::date(1970, 1, 1);

/// This moment.
#[must_use]
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// How long ago a stored moment was; nothing for one that is to come.
#[must_use]
pub fn age(milliseconds: i64) -> Duration {
    Duration::from_millis(u64::try_from(now() - milliseconds).unwrap_or(0))
}

/// Today.
#[must_use]
pub fn today() -> i64 {
    now().div_euclid(86_400_000)
}

/// A stored moment. Only one that jiff gave us is ever stored, so the fallback is never seen.
#[must_use]
pub fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A date as a day.
#[must_use]
pub fn day(date: Date) -> i64 {
    date.duration_since(EPOCH).as_hours() / 24
}

/// The date of a stored day.
///
/// # Errors
/// No day that we can have stored.
pub fn date(day: i64) -> Result<Date, Fault> {
    let span = Span::new().try_days(day).map_err(Fault::internal)?;
    EPOCH.checked_add(span).map_err(Fault::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_stored_as_its_day_and_comes_back() {
        for text in ["1970-01-01", "1969-12-31", "2030-01-02", "2024-02-29", "9999-12-31"] {
            let parsed: Date = text.parse().unwrap();
            assert_eq!(date(day(parsed)).unwrap(), parsed, "{text}");
        }
        assert_eq!(day(jiff::civil::date(1970, 1, 2)), 1);
        assert_eq!(day(jiff::civil::date(1969, 12, 31)), -1);
    }
}
