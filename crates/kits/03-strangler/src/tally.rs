//! What came out of the comparisons.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

use crate::{Difference, Offer};

/// How many findings are kept, the newest.
const KEPT: usize = 20;

/// Every offer ends in one of these numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Both upstreams answered the same.
    pub equal: u64,
    /// They did not.
    pub different: u64,
    /// The second one gave no answer in time: nobody knows. A 500 is an answer.
    pub unknown: u64,
    /// The queue was full: not compared.
    pub dropped: u64,
    /// It may not be copied, because its method may write (all but GET and HEAD), or cannot be compared: its answer is too large
    /// to be kept, or compressed.
    pub skipped: u64,
    /// The last differences, the newest first.
    pub findings: Vec<Finding>,
}

/// A request that was answered differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How it asked.
    pub method: String,
    /// For what.
    pub path_and_query: String,
    /// Where the answers differ.
    pub differences: Vec<Difference>,
}

/// Keeps count, for many at once. A clone keeps the same count.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Mutex<(Counts, VecDeque<Finding>)>>);

impl Tally {
    /// Both have answered: equal where `differences` is empty, else different.
    pub fn compared(&self, offer: &Offer, differences: Vec<Difference>) {
        let mut tally = self.lock();
        let (counts, findings) = &mut *tally;
        if differences.is_empty() {
            counts.equal += 1;
            return;
        }
        counts.different += 1;
        findings.truncate(KEPT - 1);
        findings.push_front(Finding {
            method: offer.method.to_string(),
            path_and_query: offer.path_and_query.clone(),
            differences,
        });
    }

    /// The second upstream gave no answer in time.
    pub fn unknown(&self) {
        self.lock().0.unknown += 1;
    }

    /// There was no room for it.
    pub fn dropped(&self) {
        self.lock().0.dropped += 1;
    }

    /// It may not be copied.
    pub fn skipped(&self) {
        self.lock().0.skipped += 1;
    }

    /// Where the count stands.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let tally = self.lock();
        Counts { findings: tally.1.iter().cloned().collect(), ..tally.0.clone() }
    }

    /// A panic elsewhere leaves numbers that are still whole.
    fn lock(&self) -> MutexGuard<'_, (Counts, VecDeque<Finding>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, Method, StatusCode};

    use super::*;
    use crate::Answer;

    #[test]
    fn the_newest_findings_are_kept() {
        let tally = Tally::default();
        let offer = |number: usize| Offer {
            method: Method::GET,
            path_and_query: format!("/{number}"),
            headers: HeaderMap::new(),
            answer: Answer { status: StatusCode::OK, content_type: None, body: Bytes::new() },
        };
        let difference = Difference { at: "body".to_owned(), first: None, second: None };
        tally.compared(&offer(0), Vec::new());
        for number in 1..=KEPT + 5 {
            tally.clone().compared(&offer(number), vec![difference.clone()]);
        }
        let counts = tally.counts();
        assert_eq!((counts.equal, counts.different), (1, KEPT as u64 + 5));
        assert_eq!(counts.findings.len(), KEPT);
        assert_eq!(counts.findings[0].path_and_query, format!("/{}", KEPT + 5));
    }
}
