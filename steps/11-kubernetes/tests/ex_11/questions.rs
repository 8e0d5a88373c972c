//! Exercise 11.1: three questions and a sum. What a kubelet makes of the learner's probes, over two minutes.

use k8s_openapi::api::core::v1::PodSpec;
use manifests::kubernetes::{
    kubelet::{LAG, Seen, Settings, Story, drain, play},
    objects::Objects,
    rules::RULES,
};

use crate::piece;

/// How long the service may take to start: it waits for the database, and asks the others what it missed.
const SLOW_START: u64 = 40_000;
/// How long the process serves on after SIGTERM: `SERVE_ON_SECONDS` in k8s/base/kustomization.yaml.
const SERVES_ON: u64 = 3_000;
/// What a busy machine adds to an end.
const SPARE: u64 = 2_000;
/// How long people may be sent to a pod that has no database.
const UNNOTICED: u64 = 15_000;

/// How long a process may hang at its start before somebody ends it.
const NEVER_UP: u64 = 300_000;
/// How long a pod may take to go: whoever empties a machine waits for each.
const LONGEST_END: u64 = 120_000;

fn objects() -> Objects {
    let file = piece("web.yaml", cfg!(feature = "mine-11-1"));
    Objects::read(&[file]).unwrap_or_else(|error| panic!("{error}"))
}

fn spec(objects: &Objects) -> &PodSpec {
    let deployment = objects.deployments.first();
    let spec = deployment.and_then(|it| it.spec.template.spec.as_ref());
    spec.unwrap_or_else(|| panic!("web.yaml has no Deployment with pods any more"))
}

fn settings() -> Settings {
    Settings::of(spec(&objects())).unwrap_or_else(|why| panic!("{why}"))
}

fn seen(story: &Story) -> Seen {
    play(&settings(), story)
}

/// Seconds, for a message.
fn s(milliseconds: u64) -> u64 {
    milliseconds / 1_000
}

#[test]
fn all_three_questions_are_asked() {
    let objects = objects();
    let container = &spec(&objects).containers[0];
    assert!(
        container.startup_probe.is_some(),
        "Nobody asks whether `web` is up yet: there is no startupProbe. So liveness asks from the first second on, and has \
         to be as patient as the slowest start, every day: whoever waits for one that hangs waits that long too."
    );
    assert!(
        container.liveness_probe.is_some(),
        "Nobody asks whether a restart would help: there is no livenessProbe. One that hangs stays as it is until somebody calls."
    );
    assert!(
        container.readiness_probe.is_some(),
        "Nobody asks whether `web` may have traffic: there is no readinessProbe, and without one the answer is yes."
    );
}

#[test]
fn the_service_still_leads_there() {
    let rule = RULES.iter().find(|rule| rule.name == "somebody behind each name and port");
    let rule = rule.unwrap_or_else(|| panic!("the rule about names has another name"));
    let wrong = (rule.check)(&objects());
    assert!(
        wrong.is_empty(),
        "The gateway asks for `web` by its Service, and nobody answers: {}.",
        wrong.join("; ")
    );
}

#[test]
fn who_starts_slowly_is_not_killed_for_it() {
    let seen = seen(&Story { boot: SLOW_START, ..Story::default() });
    if let Some(&(at, _)) = seen.restarts.first() {
        panic!(
            "`web` takes {} s to start today. After {} s somebody killed it and it began again, and so it will go on: \
             nobody ever gets an answer.",
            s(SLOW_START),
            s(at)
        );
    }
    let first = seen.traffic.first();
    assert!(
        first.is_some_and(|&at| at < SLOW_START + UNNOTICED),
        "`web` answered after {} s, and nobody was sent to it in time: {first:?}.",
        s(SLOW_START)
    );
}

#[test]
fn who_starts_fast_is_asked_soon() {
    let seen = seen(&Story::default());
    let first = seen.traffic.first().copied().unwrap_or(u64::MAX);
    assert!(
        first <= 10_000,
        "`web` answered after one second, and nobody was sent to it for another {}: each rollout takes that much \
         longer for each pod.",
        s(first.saturating_sub(1_000))
    );
}

#[test]
fn one_that_never_comes_up_is_started_again() {
    let seen = seen(&Story { boot: u64::MAX / 2, ends: NEVER_UP * 2, ..Story::default() });
    assert!(
        seen.restarts.first().is_some_and(|&(at, _)| at <= NEVER_UP),
        "`web` hung while it started, and {} minutes later nobody had tried again. The rollout stands still, and nobody \
         knows why.",
        NEVER_UP / 60_000
    );
}

#[test]
fn nobody_is_restarted_because_the_database_comes_late() {
    let late = 180_000;
    let seen = seen(&Story { database_away: 0..late, ends: late * 2, ..Story::default() });
    assert!(
        seen.restarts.is_empty(),
        "The cluster started, and its database came {} minutes later. Until then `web` was started again every {} s, and \
         now that the database is there, the kubelet waits longer and longer before it tries once more.",
        late / 60_000,
        s(seen.restarts[0].0)
    );
    assert!(
        seen.traffic.first().is_some_and(|&at| at >= late && at < late + UNNOTICED),
        "The database came after {} minutes, and traffic at {:?} s.",
        late / 60_000,
        seen.traffic.first().map(|&at| s(at))
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
fn one_that_hangs_at_its_start_is_restarted_though_the_database_is_away() {
    let hangs = 30_000..600_000;
    let seen =
        seen(&Story { hangs: hangs.clone(), database_away: 0..600_000, ends: 600_000, ..Story::default() });
    assert!(
        seen.restarts.first().is_some_and(|&(at, _)| at < hangs.start + 60_000),
        "The database was late, and the process hung while it waited. A minute later nobody had restarted it: {:?}. As long as \
         startup asks for the database, nobody asks whether the process lives.",
        seen.restarts.first().map(|&(at, why)| (s(at), why))
    );
}

#[test]
fn nobody_is_sent_to_one_that_hangs() {
    let hangs = 20_000..120_000;
    let seen = seen(&Story { hangs: hangs.clone(), ..Story::default() });
    let first = seen.restarts.first().map_or(hangs.end, |&(at, _)| at);
    let lost = seen.traffic.iter().filter(|&&at| at >= hangs.start + UNNOTICED && at < first).count();
    assert!(
        lost == 0,
        "The process hung, {} s later people were still sent to it, and waited for nothing: {lost} requests.",
        s(UNNOTICED)
    );
}

#[test]
fn a_pause_is_no_death() {
    // Whenever it falls: a probe comes by every few seconds.
    for begin in (20_000..50_000).step_by(1_000) {
        let seen = seen(&Story { hangs: begin..begin + 5_000, ..Story::default() });
        assert!(
            seen.restarts.is_empty(),
            "The machine was busy and the process silent for five seconds. It was killed, with everything it was doing."
        );
    }
}

#[test]
fn an_end_has_an_end() {
    let longest = settings().longest_end();
    assert!(
        longest <= LONGEST_END,
        "The pod was told to go and may take {} s for it. Whoever empties a machine, or rolls out a version, waits that long for \
         each pod.",
        s(longest)
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
        spare >= SERVES_ON + SPARE,
        "preStop and drain take all of terminationGracePeriodSeconds but {spare} ms. Between them the process serves on for {} s, and \
         a busy machine adds {} s: too few are left, and requests are cut off.",
        s(SERVES_ON),
        s(SPARE)
    );
}

#[test]
fn the_process_serves_on_for_as_long_as_the_sum_has() {
    let settings = include_str!("../../k8s/base/kustomization.yaml");
    assert!(settings.contains(&format!("SERVE_ON_SECONDS={} ", s(SERVES_ON))), "k8s/base says otherwise");
}
