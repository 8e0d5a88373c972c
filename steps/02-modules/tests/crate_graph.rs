//! The crates of step 02 depend on each other as `graph.toml` says, and in no other way.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
    process::Command,
};

use acceptance::{serde_json::Value, toml};

/// Crate, and the crates of the workspace that it names among its dependencies; those of its tests left out.
type Graph = BTreeMap<String, BTreeSet<String>>;

#[test]
fn every_module_knows_the_ports_and_no_other_module() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let declared: Graph = toml::from_str(&fs::read_to_string(folder.join("graph.toml")).unwrap()).unwrap();
    assert_eq!(found(folder), declared, "on the left what Cargo says, on the right graph.toml");
}

/// What `cargo metadata` says of the crates in `folder`.
fn found(folder: &Path) -> Graph {
    let answer = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let metadata: Value = acceptance::serde_json::from_slice(&answer.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let name = |package: &Value| package["name"].as_str().unwrap().to_owned();
    let ours: BTreeSet<String> = packages.iter().map(name).collect();
    let is_here =
        |package: &&Value| Path::new(package["manifest_path"].as_str().unwrap()).starts_with(folder);
    let dependencies = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap().iter();
        all.filter(|dependency| dependency["kind"].is_null())
            .map(name)
            .filter(|name| ours.contains(name))
            .collect()
    };
    packages.iter().filter(is_here).map(|package| (name(package), dependencies(package))).collect()
}
