//! The composition with NATS in place of `feed`: messages arrive, also those that were written while it was away.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::process::ExitCode;

use manifests::{
    containers::composed::{Composed, eventually},
    root,
};
use step_10_containers::compose_file;

/// The repository that something happens in.
const REPOSITORY: &str = "sendgrid/rest";

fn main() -> ExitCode {
    let with_nats = || [compose_file(), root().join("steps/10-containers/nats.yml")].to_vec();
    acceptance::run_with(
        || Composed::start("nats", with_nats()),
        &[
            (
                "what_happens_is_told_over_nats_and_nobody_asks_feed",
                what_happens_is_told_over_nats_and_nobody_asks_feed,
            ),
            (
                "what_happens_while_nats_is_away_is_told_afterwards",
                what_happens_while_nats_is_away_is_told_afterwards,
            ),
        ],
    )
}

fn what_happens_is_told_over_nats_and_nobody_asks_feed(composed: &Composed) {
    composed.opens(REPOSITORY, "Told over NATS").unwrap();
    becomes_a_task(composed, "Told over NATS");
    let carried = composed.sql_in("feed", &["SELECT count(*) FROM messages"]).unwrap();
    assert_eq!(carried.trim(), "0", "feed has carried something too");
}

fn what_happens_while_nats_is_away_is_told_afterwards(composed: &Composed) {
    composed.engine().stop(composed.container("nats"), 10).unwrap();
    composed.opens(REPOSITORY, "Told while nobody carried it").unwrap();
    composed.engine().start(composed.container("nats")).unwrap();
    becomes_a_task(composed, "Told while nobody carried it");
}

fn becomes_a_task(composed: &Composed, title: &str) {
    eventually(&format!("{title:?} is a task"), || {
        let tasks = composed.get("gateway", "/api/tasks?limit=100")?;
        tasks.to_string().contains(title).then_some(())
    });
}
