//! What the command's own workspace shares with the one around it.

#![expect(clippy::unwrap_used, reason = "helpers of tests may, like tests")]

#[expect(dead_code, reason = "shared with command.rs, which uses the rest")]
mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
    process::Command,
};

use support::{Checkout, root};
use toml::{Table, Value};

fn read(path: &str) -> Table {
    fs::read_to_string(root().join(path)).unwrap().parse().unwrap()
}

/// The versions of each package of a `Cargo.lock`.
fn versions(path: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in read(path)["package"].as_array().unwrap() {
        let text = |key: &str| package[key].as_str().unwrap().to_owned();
        versions.entry(text("name")).or_default().insert(text("version"));
    }
    versions
}

#[test]
fn what_both_workspaces_have_is_of_the_same_version() {
    let (command, all) = (versions("crates/workshop/Cargo.lock"), versions("Cargo.lock"));
    let shared: Vec<_> = command.iter().filter_map(|(name, its)| Some((name, its, all.get(name)?))).collect();
    assert!(shared.len() > 20, "only {} are shared", shared.len());
    for (name, its, of_all) in shared {
        assert!(its.is_subset(of_all), "{name} is {its:?} for the command and {of_all:?} for the rest");
    }
}

#[test]
fn the_command_asks_for_what_the_root_asks_for() {
    let (command, all) = (read("crates/workshop/Cargo.toml"), read("Cargo.toml"));
    assert_eq!(command["lints"], all["workspace"]["lints"]);
    for key in ["edition", "rust-version", "license", "publish", "version"] {
        assert_eq!(command["package"][key], all["workspace"]["package"][key], "{key}");
    }
    let unix = command["target"]["cfg(unix)"]["dependencies"].as_table().unwrap();
    let asked = command["dependencies"].as_table().unwrap().iter().chain(unix);
    let of_root = all["workspace"]["dependencies"].as_table().unwrap();
    let is_path = |asked: &Value| asked.get("path").is_some();
    for (name, asked) in asked.filter(|(_, asked)| !is_path(asked)) {
        assert!(of_root.get(name).is_none_or(|root| root == asked), "{name} = {asked:?}");
    }
}

#[test]
fn the_commands_own_tests_pass() {
    let tested = support::cargo(&["test"]).output().unwrap();
    let said = String::from_utf8_lossy(&tested.stdout);
    assert!(tested.status.success(), "{said}{}", String::from_utf8_lossy(&tested.stderr));
    assert!(!said.contains(" 0 passed"), "{said}");
}

#[test]
fn a_broken_manifest_of_an_exercise_does_not_stop_cargo_from_starting_the_command() {
    let listed = cargo().args(["workshop", "list"]).current_dir(root()).output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));

    let broken = Checkout::empty();
    for name in ["Cargo.toml", "Cargo.lock"] {
        fs::copy(root().join(name), broken.path(name)).unwrap();
    }
    copy(&root().join("crates"), &broken.path("crates"));
    broken.write("exercises/01-monolith/Cargo.toml", "[package");
    let tree = |manifest: &str| {
        let arguments = ["tree", "--offline", "--manifest-path", manifest];
        cargo().args(arguments).current_dir(broken.path("")).output().unwrap()
    };
    let command = tree("crates/workshop/Cargo.toml");
    assert!(command.status.success(), "{}", String::from_utf8_lossy(&command.stderr));
    assert!(!tree("Cargo.toml").status.success(), "the root is not broken at all");
}

fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
