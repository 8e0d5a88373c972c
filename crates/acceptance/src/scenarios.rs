//! What Automator does, area by area. Each file lists its scenarios with `scenarios![…]`.

use crate::Scenario;

mod access;
mod digests;
mod health;
mod idempotency;
mod imports;
mod items;
mod legacy;
mod measures;
mod metrics;
mod notifications;
mod odd_requests;
mod pages;
mod repositories;
mod rules;
mod tasks;
mod team;
mod webhooks;

/// All of them, area by area.
pub fn all() -> impl Iterator<Item = Scenario> {
    [
        // The longest first: it waits for a lease, and the others run meanwhile.
        imports::ALL,
        health::ALL,
        odd_requests::ALL,
        metrics::ALL,
        access::ALL,
        idempotency::ALL,
        repositories::ALL,
        items::ALL,
        tasks::ALL,
        team::ALL,
        webhooks::ALL,
        measures::ALL,
        legacy::ALL,
        rules::ALL,
        notifications::ALL,
        digests::ALL,
        pages::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_area_is_listed_once() {
        let mut seen = HashSet::new();
        for scenario in all() {
            assert!(seen.insert((scenario.area, scenario.name)), "{} runs twice", scenario.name);
        }
    }
}
