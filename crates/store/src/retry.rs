//! When to try again.

use std::time::Duration;

/// When something that did not work is tried again, and when no more (pattern: *Retry with exponential backoff*).
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// The pause after the first attempt; doubled after each further one.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// How old it may become.
    pub age: Duration,
}

impl Default for RetryPolicy {
    /// Half a second at first, five minutes at most, for a day.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            longest: Duration::from_secs(300),
            age: Duration::from_hours(24),
        }
    }
}

impl RetryPolicy {
    /// The pause after attempt number `attempt` (from 1) of something of that `age`, at least as long as whoever
    /// refused it `asked` for; `None` when it would be too old by then.
    #[must_use]
    pub fn pause(&self, attempt: i64, age: Duration, asked: Option<Duration>) -> Option<Duration> {
        let doublings = u32::try_from(attempt - 1).unwrap_or(0).min(20);
        let pause =
            self.first.saturating_mul(1 << doublings).min(self.longest).max(asked.unwrap_or_default());
        (age.saturating_add(pause) <= self.age).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_end_with_the_age() {
        let policy = RetryPolicy::default();
        let young = Duration::from_secs(1);
        let pauses: Vec<_> =
            (1..=4).filter_map(|attempt| policy.pause(attempt, young, None)).map(|p| p.as_millis()).collect();
        assert_eq!(pauses, [500, 1_000, 2_000, 4_000]);
        assert_eq!(policy.pause(60, young, None), Some(policy.longest));
        let asked = Duration::from_secs(3_600);
        assert_eq!(policy.pause(1, young, Some(asked)), Some(asked), "as long as the provider asks for");
        assert_eq!(policy.pause(60, policy.age - Duration::from_secs(299), None), None);
        assert!(policy.pause(60, policy.age - Duration::from_secs(300), None).is_some());
    }
}
