//! What passes over an edge: how many requests a second, how long half of them take, how many fail, over the last five seconds.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;

/// How many slots, each as long as the time between two calls of [`Counts::take_slot`], count.
const SLOTS: usize = 10;
/// How many slots a second has.
const SLOTS_PER_SECOND: f64 = 2.0;
/// How many durations of a slot are kept for the median; of the requests beyond that only the number is.
const KEPT: usize = 512;

/// The requests of the last seconds.
#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<VecDeque<Slot>>);

#[derive(Debug, Default)]
struct Slot {
    requests: u32,
    errors: u32,
    durations: Vec<Duration>,
}

/// What is shown of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Numbers {
    /// Requests that were answered, or failed, a second.
    pub(super) rate: f64,
    /// Of those, the ones that failed, a second.
    pub(super) errors: f64,
    /// From a request's head to its answer's head: the median, in milliseconds. `None` when there was no request.
    pub(super) p50: Option<f64>,
}

impl Counts {
    /// Counts a request that took `duration` up to its answer's head.
    pub(super) fn add(&self, duration: Duration) {
        let mut slots = self.slots();
        let slot = now(&mut slots);
        slot.requests += 1;
        if slot.durations.len() < KEPT {
            slot.durations.push(duration);
        }
    }

    /// One that was counted, or just begun, has failed.
    pub(super) fn fail(&self) {
        now(&mut self.slots()).errors += 1;
    }

    /// The numbers of now; another slot begins.
    pub(super) fn take_slot(&self) -> Numbers {
        let mut slots = self.slots();
        let seconds = SLOTS as f64 / SLOTS_PER_SECOND;
        let sum = |of: fn(&Slot) -> u32| f64::from(slots.iter().map(of).sum::<u32>()) / seconds;
        let mut durations: Vec<_> = slots.iter().flat_map(|slot| &slot.durations).copied().collect();
        durations.sort_unstable();
        let p50 = durations.get(durations.len() / 2).map(|median| median.as_secs_f64() * 1000.0);
        let numbers = Numbers {
            rate: sum(|slot| slot.requests),
            errors: sum(|slot| slot.errors),
            // Nobody reads more than this, and equal numbers are not told again.
            p50: p50.map(|p50| (p50 * 10.0).round() / 10.0),
        };
        slots.push_back(Slot::default());
        while slots.len() > SLOTS {
            slots.pop_front();
        }
        numbers
    }

    fn slots(&self) -> MutexGuard<'_, VecDeque<Slot>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The slot of now.
fn now(slots: &mut VecDeque<Slot>) -> &mut Slot {
    if slots.is_empty() {
        slots.push_back(Slot::default());
    }
    let last = slots.len() - 1;
    &mut slots[last]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_seconds_count_and_half_of_the_requests_take_the_median() {
        let counts = Counts::default();
        assert_eq!(counts.take_slot(), Numbers { rate: 0.0, errors: 0.0, p50: None });
        for milliseconds in [1, 1, 5, 9, 900] {
            counts.add(Duration::from_millis(milliseconds));
        }
        counts.fail();
        assert_eq!(counts.take_slot(), Numbers { rate: 1.0, errors: 0.2, p50: Some(5.0) });
        for _ in 1..SLOTS {
            assert_eq!(counts.take_slot().rate, 1.0);
        }
        assert_eq!(counts.take_slot().rate, 0.0, "what is older than five seconds does not count");
    }

    #[test]
    fn a_flood_is_counted_whole_and_kept_in_part() {
        let counts = Counts::default();
        for _ in 0..5_000 {
            counts.add(Duration::from_millis(3));
        }
        assert_eq!(counts.take_slot(), Numbers { rate: 1000.0, errors: 0.0, p50: Some(3.0) });
        assert_eq!(counts.slots()[0].durations.len(), KEPT);
    }
}
