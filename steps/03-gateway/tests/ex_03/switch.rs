//! 03.1: who goes to the new upstream.

use std::{collections::BTreeSet, fs};

use acceptance::harness::Fault;
use step_03_gateway::pieces::switch::{Share, Upstream, choose};

use crate::gateway::Gateway;

const TASKS: &str = "tasks";
const TEAM: &str = "team";
/// How many people there are.
const PEOPLE: usize = 10_000;
/// Some of them.
const SOME: usize = 2_000;

fn people() -> impl Iterator<Item = String> {
    (0..PEOPLE).map(|number| format!("person-{number}"))
}

fn goes(route: &str, percent: u8, key: Option<&str>) -> bool {
    choose(&Share { route, percent }, key) == Upstream::New
}

/// Those who go to the new upstream.
fn chosen(route: &str, percent: u8) -> BTreeSet<String> {
    people().filter(|person| goes(route, percent, Some(person))).collect()
}

#[test]
fn at_0_nobody_goes() {
    let chosen = chosen(TASKS, 0);
    assert!(
        chosen.is_empty(),
        "The switch stands at 0 %, and {} of {PEOPLE} people got the new version all the same. Whoever turns it off because \
         it is broken must be able to rely on that.",
        chosen.len()
    );
}

#[test]
fn at_100_everybody_goes() {
    let left = PEOPLE - chosen(TASKS, 100).len();
    assert!(
        left == 0 && goes(TASKS, 100, None),
        "The switch stands at 100 %, and {}: the old version can never be turned off.",
        match left {
            0 => "requests without a key still go to the old version".to_owned(),
            _ => format!("{left} of {PEOPLE} people still got the old version"),
        }
    );
}

#[test]
fn at_20_every_fifth_goes() {
    let share = chosen(TASKS, 20).len();
    assert!(
        (PEOPLE * 18 / 100..=PEOPLE * 22 / 100).contains(&share),
        "The switch stands at 20 %, and {share} of {PEOPLE} people got the new version. It was tried on {}.",
        if share < PEOPLE / 5 {
            "hardly anybody, and nothing was learned"
        } else {
            "far more than were meant to try it"
        }
    );
}

#[test]
fn each_of_a_hundred_percent_is_a_percent() {
    // Fewer people than above, a hundred times.
    let some: Vec<_> = people().take(SOME).collect();
    let share = |percent| some.iter().filter(|person| goes(TASKS, percent, Some(person))).count();
    let shares: Vec<_> = (0..=100).map(share).collect();
    for (percent, pair) in (1..).zip(shares.windows(2)) {
        let more = pair[1].saturating_sub(pair[0]);
        assert!(
            (SOME / 400..=SOME / 40).contains(&more),
            "From {} to {percent} % it is {more} more of {SOME} people. A percent should be about {}.",
            percent - 1,
            SOME / 100
        );
    }
}

#[test]
fn one_person_gets_one_answer() {
    for person in people().take(100) {
        let first = goes(TASKS, 50, Some(&person));
        assert!(
            (0..10).all(|_| goes(TASKS, 50, Some(&person)) == first),
            "{person} reloads the page, and it is another version each time. What they do in one is gone in the other."
        );
    }
}

#[test]
fn a_higher_share_moves_nobody_back() {
    let thrown_back = chosen(TASKS, 20).difference(&chosen(TASKS, 40)).count();
    assert!(
        thrown_back == 0,
        "From 20 to 40 %, {thrown_back} people who had the new version were thrown back to the old one."
    );
}

#[test]
fn two_routes_pick_different_people() {
    let (tasks, team) = (chosen(TASKS, 20), chosen(TEAM, 20));
    let both = tasks.intersection(&team).count();
    assert!(
        both <= tasks.len() / 2,
        "{both} of the {} people who try the new tasks try the new team page too. The same few meet every fault that we \
         have, and everybody else tests nothing. What is different from route to route?",
        tasks.len()
    );
}

#[test]
fn without_a_key_it_goes_last() {
    for percent in 0..100 {
        assert!(
            !goes(TASKS, percent, None),
            "At {percent} %, whoever sends no key goes to the new version: all of them at once, which is not {percent} %."
        );
    }
}

#[test]
fn an_update_of_rust_moves_nobody() {
    // No run of today can show what a later compiler does, so this looks at the text.
    const DOUBTFUL: [&str; 3] = ["DefaultHasher", "RandomState", "SipHasher"];
    if !cfg!(feature = "mine-03-1") {
        return;
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../exercises/03-gateway/src/switch.rs");
    let text = fs::read_to_string(path).expect("it was compiled from that file");
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let found = code.flat_map(|line| DOUBTFUL.into_iter().filter(|name| line.contains(name))).next();
    if let Some(name) = found {
        panic!(
            "The gateway was built with a newer Rust, and people got another version than the day before. The standard library \
             does not promise that `{name}` gives the same number in the next release. Which of the given functions does?"
        );
    }
}

/// Those of the first 40 people whom the new version answers, through the real gateway.
async fn answered_by_new(gateway: &Gateway<'_>) -> BTreeSet<String> {
    let mut chosen = BTreeSet::new();
    for person in people().take(40) {
        let tasks = gateway.app.get("/api/tasks?limit=1").header("x-person", &person).await.is(200);
        if tasks["version"] == "new" {
            chosen.insert(person);
        }
    }
    chosen
}

#[test]
fn a_restart_of_the_gateway_moves_nobody() {
    Gateway::run("percent = 50\nkey = \"x-person\"\n", async |gateway| {
        gateway.second.add(Fault::rewrite(|_, tasks| tasks["version"] = "new".into()));
        let before = answered_by_new(gateway).await;
        gateway.restart();
        let after = answered_by_new(gateway).await;
        let moved = before.symmetric_difference(&after).count();
        assert!(
            moved == 0,
            "{moved} of 40 people got another version after the gateway was started again. Does the number of a person \
             depend on anything that a process draws at its start?"
        );
        assert!(
            (1..40).contains(&before.len()),
            "The switch stands at 50 %, and {} of 40 people got the new version through the real gateway.",
            before.len()
        );
    });
}
