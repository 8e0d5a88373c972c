//! The instructor's pages and the tracks say the same of how a day ends, and one page says it for all.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may, like tests")]

#[expect(dead_code, reason = "shared with command.rs, which uses the rest")]
mod support;

use std::{fs, path::PathBuf};

use support::root;
use toml::Table;

/// The heading of the part of a page that is about the ending.
const HEADING: &str = "## The ending of today";
/// Where it is told whole.
const WHOLE: &str = "01-monolith";
/// How the other pages lead there.
const LINK: &str = "](../01-monolith/INSTRUCTOR.md#the-ending-of-today)";
/// The history of the original, in the words of that page.
const DATES: [&str; 4] = ["March 2018", "25 June 2018", "13 May 2019", "6 January 2022"];

/// The pages by the folder of their step, each with its part about the ending.
fn endings() -> Vec<(String, String)> {
    let steps = fs::read_dir(root().join("steps")).unwrap().map(|step| step.unwrap().path());
    let has_page = |step: &PathBuf| step.join("INSTRUCTOR.md").exists();
    steps
        .filter(has_page)
        .map(|step| {
            let page = fs::read_to_string(step.join("INSTRUCTOR.md")).unwrap();
            let (_, ending) =
                page.split_once(HEADING).unwrap_or_else(|| panic!("{} has no ending", step.display()));
            let ending = ending.split("\n## ").next().unwrap_or_default().to_owned();
            (step.file_name().unwrap().to_str().unwrap().to_owned(), ending)
        })
        .collect()
}

#[test]
fn one_page_tells_the_ending_and_the_others_lead_there() {
    let endings = endings();
    assert!(endings.len() >= 7, "{endings:?}");
    for (step, ending) in endings {
        let is_whole = step == WHOLE;
        assert_eq!(ending.contains(LINK), !is_whole, "{step}: {ending}");
        for date in DATES {
            assert_eq!(ending.contains(date), is_whole, "{step}: {date} stands in one place: {ending}");
        }
        assert_eq!(
            ending.contains(" minutes for it"),
            is_whole,
            "{step}: its length stands in one place: {ending}"
        );
    }
}

#[test]
fn it_has_the_minutes_that_half_a_day_leaves_for_it() {
    let list: Table = fs::read_to_string(root().join("workshop.toml")).unwrap().parse().unwrap();
    let track =
        list["track"].as_array().unwrap().iter().find(|track| track["key"].as_str() == Some("half-day"));
    let last = track.unwrap()["entry"].as_array().unwrap().last().unwrap();
    assert!(last["what"].as_str().unwrap().starts_with("Undo the split"), "{last:?}");
    let (_, ending) = endings().into_iter().find(|(step, _)| step == WHOLE).unwrap();
    let said = format!("the last {} minutes for it", last["minutes"].as_integer().unwrap());
    assert!(ending.contains(&said), "{said}: {ending}");
}

#[test]
fn the_split_that_is_undone_has_a_test_of_that_name() {
    for (step, ending) in endings() {
        for line in ending.lines().map(str::trim).filter(|line| line.starts_with("cargo test")) {
            let name = line.split_once("--test ").unwrap().1.split(' ').next().unwrap();
            let (_, number) = name.split_once("undone_").unwrap_or_else(|| panic!("{step}: {line}"));
            let folders = fs::read_dir(root().join("steps")).unwrap().map(|folder| folder.unwrap());
            let manifest = folders
                .filter(|folder| folder.file_name().to_str().unwrap().starts_with(number))
                .find_map(|folder| fs::read_to_string(folder.path().join("Cargo.toml")).ok());
            assert!(manifest.unwrap_or_default().contains(&format!("name = \"{name}\"")), "{step}: {line}");
        }
    }
}
