//! Who asks whom: the addresses that `system.toml` gives to each process. Two that ask each other, over however many others, have to be up,
//! deployed and changed together.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use acceptance::harness::{Definition, definition::FILE};

/// Process, and those whose address it is told.
type Edges = BTreeMap<String, BTreeSet<String>>;

/// The steps in which there is a circle: backlog asks the monolith back, from step 05 until step 07 takes that apart. Steps 10 and 11 ship step
/// 07's system, which has none.
const WITH_A_CIRCLE: [&str; 2] = ["05-grpc", "06-own-data"];

#[test]
fn nobody_asks_who_asks_them_but_where_the_lesson_says_so() {
    let steps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../steps");
    let mut names: Vec<_> = fs::read_dir(&steps).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let mut seen = 0;
    for name in names.iter().map(|name| name.to_str().unwrap()) {
        let folder = steps.join(name);
        if !folder.join(FILE).exists() {
            continue;
        }
        seen += 1;
        let found = circle(&edges(&folder));
        if WITH_A_CIRCLE.contains(&name) {
            assert_eq!(found.unwrap(), ["backlog", "monolith"], "{name}");
        } else {
            assert_eq!(found, None, "{name}: these ask each other, over the others");
        }
    }
    assert!(seen >= 6, "only {seen} steps have processes");
}

#[test]
fn in_step_07_backlog_is_told_of_nobody_but_the_feed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../steps/07-events");
    let edges = edges(&folder);
    let asked = |name: &str| edges[name].iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(asked("backlog"), ["feed"]);
    assert_eq!(asked("insights"), ["feed"]);
    assert_eq!(asked("github"), ["feed", "simulators"]);
    assert_eq!(asked("web"), ["backlog", "feed", "github", "insights", "notify"]);
    assert_eq!(asked("feed"), Vec::<&str>::new());
}

#[test]
fn a_circle_over_three_is_found() {
    let edges = |pairs: &[(&str, &[&str])]| -> Edges {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        pairs.iter().map(|(name, asked)| ((*name).to_owned(), names(asked))).collect()
    };
    assert_eq!(circle(&edges(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])])), None);
    let circled = edges(&[("a", &["b"]), ("b", &["c"]), ("c", &["b", "d"]), ("d", &["b"])]);
    assert_eq!(circle(&circled).unwrap(), ["b", "c", "d"]);
}

fn edges(folder: &Path) -> Edges {
    let definition = Definition::load(folder).unwrap();
    let asked = |names: BTreeSet<&str>| names.into_iter().map(str::to_owned).collect();
    definition.processes.iter().map(|process| (process.name.clone(), asked(process.asks()))).collect()
}

/// Those who stand in a circle; `None` when nobody does. Whoever asks nobody any more, or nobody but such, is taken away, and so is whom
/// nobody asks, until that changes nothing.
fn circle(edges: &Edges) -> Option<Vec<String>> {
    let mut left: BTreeSet<&String> = edges.keys().collect();
    loop {
        let before = left.len();
        let is_asking = |name: &String| edges[name].iter().any(|asked| left.contains(asked));
        let is_asked = |name: &String| left.iter().any(|other| edges[*other].contains(name));
        left = left.iter().copied().filter(|name| is_asking(name) && is_asked(name)).collect();
        if left.len() == before {
            let names: Vec<_> = left.into_iter().cloned().collect();
            return (!names.is_empty()).then_some(names);
        }
    }
}
