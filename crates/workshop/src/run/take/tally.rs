//! What people have seen: how many requests, how many failed, how long they took.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The answers that the live line is about.
const LATELY: Duration = Duration::from_secs(5);
/// Answers that take longer, in ms, count as this: nobody waits longer.
const LONGEST: usize = 10_000;

/// Numbers since the last [`Tally::take`], in bounded memory however long that is.
#[derive(Debug)]
pub(super) struct Tally {
    /// How many took so many whole ms.
    counts: Vec<u32>,
    pub(super) sent: u64,
    pub(super) failed: u64,
    /// What the first that failed heard.
    pub(super) first_failure: Option<String>,
    lately: VecDeque<(Instant, Duration)>,
    /// Since when there is anything to remember.
    since: Instant,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            counts: vec![0; LONGEST + 1],
            sent: 0,
            failed: 0,
            first_failure: None,
            lately: VecDeque::new(),
            since: Instant::now(),
        }
    }
}

impl Tally {
    /// An answer, or why there was none.
    pub(super) fn note(&mut self, took: Duration, failed: Option<String>) {
        let now = Instant::now();
        self.sent += 1;
        if let Some(reason) = failed {
            self.failed += 1;
            self.first_failure.get_or_insert(reason);
        }
        let ms = usize::try_from(took.as_millis()).unwrap_or(LONGEST).min(LONGEST);
        self.counts[ms] += 1;
        self.lately.push_back((now, took));
        self.forget(now);
    }

    /// What was counted until now; the next begins with nothing but what the live line shows.
    pub(super) fn take(&mut self) -> Self {
        let next = Self { lately: self.lately.clone(), since: self.since, ..Self::default() };
        std::mem::replace(self, next)
    }

    /// The `percent`-th percentile, in ms; `None` without an answer.
    pub(super) fn percentile(&self, percent: u64) -> Option<u64> {
        let all: u64 = self.counts.iter().map(|&count| u64::from(count)).sum();
        let wanted = (all * percent).div_ceil(100);
        let mut seen = 0;
        for (ms, &count) in self.counts.iter().enumerate() {
            seen += u64::from(count);
            if count > 0 && seen >= wanted {
                return u64::try_from(ms).ok();
            }
        }
        None
    }

    /// Requests a second, p50 and p99 in ms, of the last five seconds; `None` without any.
    pub(super) fn lately(&mut self) -> Option<(f64, f64, f64)> {
        self.forget(Instant::now());
        let mut times: Vec<f64> = self.lately.iter().map(|(_, took)| took.as_secs_f64() * 1e3).collect();
        times.sort_by(f64::total_cmp);
        let at = |percent: usize| times.get((times.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        let rate = times.len() as f64 / LATELY.min(self.since.elapsed()).as_secs_f64();
        Some((rate, at(50)?, at(99)?))
    }

    fn forget(&mut self, now: Instant) {
        while self.lately.front().is_some_and(|(at, _)| now.duration_since(*at) > LATELY) {
            self.lately.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_all_that_was_noted_and_a_lap_begins_with_none() {
        let mut tally = Tally::default();
        assert_eq!(tally.percentile(50), None);
        for ms in 1..=100 {
            tally.note(Duration::from_millis(ms), None);
        }
        tally.note(Duration::from_secs(77), Some("cut".into()));
        let lap = tally.take();
        assert_eq!(
            (lap.percentile(50), lap.percentile(99), lap.percentile(100)),
            (Some(51), Some(100), Some(10_000))
        );
        assert_eq!((lap.sent, lap.failed, lap.first_failure.as_deref()), (101, 1, Some("cut")));
        assert_eq!((tally.sent, tally.percentile(99)), (0, None));
        let (_, p50, p99) = tally.lately().unwrap();
        assert!((p50 - 51.0).abs() < 1e-9 && (p99 - 100.0).abs() < 1e-9, "{p50} {p99}");
    }
}
