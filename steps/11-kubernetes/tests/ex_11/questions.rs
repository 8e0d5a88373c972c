//! Exercise 11.1: three questions and a sum. What a kubelet makes of the learner's probes, over two minutes.

use manifests::kubernetes::{
    kubelet::{LAG, Seen, Settings, Story, drain, play},
    objects::Objects,
};

use crate::piece;

/// How long the monolith may take to start: it waits for the database, and asks the others what it missed.
const SLOW_START: u64 = 40_000;
/// What a busy machine adds to an end.
const SPARE: u64 = 2_000;
/// How long people may be sent to a pod that has no database.
const UNNOTICED: u64 = 15_000;

fn settings() -> Settings {
    let file = piece("monolith.yaml", cfg!(feature = "mine-11-1"));
    let objects = Objects::read(&[file]).unwrap_or_else(|error| panic!("{error}"));
    let deployment = objects.deployments.first();
    let spec = deployment.and_then(|it| it.spec.template.spec.as_ref());
    let spec = spec.unwrap_or_else(|| panic!("monolith.yaml has no Deployment with pods any more"));
    Settings::of(spec).unwrap_or_else(|why| panic!("{why}"))
}

fn seen(story: &Story) -> Seen {
    play(&settings(), story)
}

/// Seconds, for a message.
fn s(milliseconds: u64) -> u64 {
    milliseconds / 1_000
}

#[test]
fn who_starts_slowly_is_not_killed_for_it() {
    let seen = seen(&Story { boot: SLOW_START, ..Story::default() });
    if let Some(&(at, _)) = seen.restarts.first() {
        panic!(
            "The monolith takes {} s to start today. After {} s somebody killed it and it began again, and so it will go on: \
             nobody ever gets an answer.",
            s(SLOW_START),
            s(at)
        );
    }
    let first = seen.traffic.first();
    assert!(
        first.is_some_and(|&at| at < SLOW_START + UNNOTICED),
        "The monolith answered after {} s, and nobody was sent to it in time: {first:?}.",
        s(SLOW_START)
    );
}

#[test]
fn who_starts_fast_is_asked_soon() {
    let seen = seen(&Story::default());
    let first = seen.traffic.first().copied().unwrap_or(u64::MAX);
    assert!(
        first <= 10_000,
        "The monolith answered after one second, and nobody was sent to it for another {}: each rollout takes that much \
         longer for each pod.",
        s(first.saturating_sub(1_000))
    );
}

#[test]
fn nobody_is_restarted_because_the_database_is_away() {
    let seen = seen(&Story { database_away: 30_000..90_000, ..Story::default() });
    assert!(
        seen.restarts.is_empty(),
        "The database was away for a minute, and all pods were restarted: {} times each. Restarting them mends no database; \
         now it is back, and there is nobody to use it.",
        seen.restarts.len()
    );
}

#[test]
fn nobody_is_sent_to_one_without_a_database() {
    let away = 30_000..90_000;
    let seen = seen(&Story { database_away: away.clone(), ..Story::default() });
    let longest = away.start + UNNOTICED;
    let lost = seen.traffic.iter().filter(|&&at| at >= longest && at < away.end).count();
    assert!(
        lost == 0,
        "The database was away, {} s later people were still sent to the pods, and each got an error: {lost} requests in a \
         minute.",
        s(UNNOTICED)
    );
    assert!(
        seen.traffic.iter().any(|&at| at >= away.end && at < away.end + UNNOTICED),
        "The database was back, and {} s later nobody was sent to the pod yet.",
        s(UNNOTICED)
    );
}

#[test]
fn one_that_hangs_is_restarted() {
    let hangs = 20_000..120_000;
    let seen = seen(&Story { hangs: hangs.clone(), ..Story::default() });
    assert!(
        seen.restarts.first().is_some_and(|&(at, _)| at < hangs.start + 60_000),
        "The process hung, and a minute later nobody had restarted it. That is what liveness is for: {:?}.",
        seen.restarts
    );
}

#[test]
fn a_pause_is_no_death() {
    let pause = 25_000..30_000;
    let seen = seen(&Story { hangs: pause, ..Story::default() });
    assert!(
        seen.restarts.is_empty(),
        "The machine was busy and the process silent for five seconds. It was killed, with everything it was doing."
    );
}

#[test]
fn nobody_meets_a_closed_port() {
    let stop = 60_000;
    let seen = seen(&Story { stops_at: Some(stop), ..Story::default() });
    assert!(
        seen.refused.is_empty(),
        "At a rollout the pod was told to go, and it closed its port at once. For {} s more other machines sent people there: \
         {} requests were refused.",
        s(LAG),
        seen.refused.len()
    );
}

#[test]
fn what_is_under_way_may_end() {
    let stop = 60_000;
    let seen = seen(&Story { stops_at: Some(stop), ..Story::default() });
    if let Some(at) = seen.cut_off {
        panic!(
            "The pod was told to go, and killed {} s later, while somebody's request was under way. What it needs: the sleep, \
             and then up to {} s for requests.",
            s(at - stop),
            s(drain())
        );
    }
    let spare = settings().spare().unwrap_or_default();
    assert!(
        spare >= SPARE,
        "preStop and drain take all of terminationGracePeriodSeconds but {spare} ms. On a busy machine that is not enough, \
         and requests are cut off; leave {} s.",
        s(SPARE)
    );
}
