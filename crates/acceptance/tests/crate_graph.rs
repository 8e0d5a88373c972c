//! Who may know whom: the crates of each step depend on others of the workspace as the step's `graph.toml` says, and in no
//! other way; and the few rules that hold whatever those files say.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use acceptance::{serde_json::Value, toml};

/// Crate, and the crates of the workspace that it names among its dependencies; those of its tests left out.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// What `cargo metadata` says of the workspace: each crate's folder, and the graph of all.
struct Workspace {
    root: PathBuf,
    folders: BTreeMap<String, PathBuf>,
    graph: Graph,
}

impl Workspace {
    fn read() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let answer = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
            .current_dir(here)
            .output()
            .unwrap();
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
        let metadata: Value = acceptance::serde_json::from_slice(&answer.stdout).unwrap();
        let packages = metadata["packages"].as_array().unwrap();
        let name = |package: &Value| package["name"].as_str().unwrap().to_owned();
        let ours: BTreeSet<String> = packages.iter().map(name).collect();
        let folder = |package: &Value| {
            Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned()
        };
        let dependencies = |package: &Value| {
            let all = package["dependencies"].as_array().unwrap().iter();
            all.filter(|dependency| dependency["kind"].is_null())
                .map(name)
                .filter(|name| ours.contains(name))
                .collect()
        };
        Self {
            root: PathBuf::from(metadata["workspace_root"].as_str().unwrap()),
            folders: packages.iter().map(|package| (name(package), folder(package))).collect(),
            graph: packages.iter().map(|package| (name(package), dependencies(package))).collect(),
        }
    }

    /// The crates in a folder below the root.
    fn below(&self, folder: &str) -> Graph {
        let folder = self.root.join(folder);
        let is_here = |name: &String| self.folders[name].starts_with(&folder);
        self.graph.iter().filter(|(name, _)| is_here(name)).map(|(n, d)| (n.clone(), d.clone())).collect()
    }

    /// Whatever a crate is made with, over however many others.
    fn all_of(&self, name: &str) -> BTreeSet<String> {
        self.made_with(name, "")
    }

    /// The same, but for what is only there by way of `left_out`.
    fn made_with(&self, name: &str, left_out: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = vec![name.to_owned()];
        while let Some(name) = open.pop() {
            let known = self.graph[&name].iter().filter(|name| *name != left_out);
            open.extend(known.filter(|name| found.insert((*name).clone())).cloned());
        }
        found
    }

    /// Sources below a folder that say `word`, by their paths.
    fn saying(&self, folder: &str, word: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut open = vec![self.root.join(folder)];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else if path.extension().is_some_and(|end| end == "rs")
                    && fs::read_to_string(&path).unwrap().contains(word)
                {
                    found.push(path.strip_prefix(&self.root).unwrap().display().to_string());
                }
            }
        }
        found.sort();
        found
    }
}

#[test]
fn the_crates_of_each_step_know_those_that_its_graph_declares_and_no_others() {
    let workspace = Workspace::read();
    let mut steps: Vec<_> =
        fs::read_dir(workspace.root.join("steps")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    steps.sort();
    assert!(steps.len() > 5, "{steps:?}");
    for step in steps {
        let step = format!("steps/{}", step.to_str().unwrap());
        let file = workspace.root.join(&step).join("graph.toml");
        let declared: Graph = match fs::read_to_string(&file) {
            Ok(text) => toml::from_str(&text).unwrap(),
            Err(error) => panic!("{}: {error}", file.display()),
        };
        assert_eq!(
            workspace.below(&step),
            declared,
            "{step}: on the left what Cargo says, on the right graph.toml"
        );
    }
}

#[test]
fn no_module_knows_another_one() {
    let workspace = Workspace::read();
    let modules =
        ["backlog", "github", "insights", "notify", "team", "web"].map(|name| format!("step-02-{name}"));
    for module in &modules {
        let known: Vec<_> =
            workspace.all_of(module).into_iter().filter(|name| modules.contains(name)).collect();
        assert_eq!(known, Vec::<String>::new(), "{module} knows other modules");
    }
}

#[test]
fn the_code_of_the_monolith_is_known_where_it_is_taken_apart_and_nowhere_else() {
    let workspace = Workspace::read();
    let knowing: Vec<_> = workspace
        .graph
        .iter()
        .filter(|(_, known)| known.contains("step-01-monolith"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(knowing, ["step-02-modules"]);
    let stops = "steps/02-modules/src/";
    let elsewhere: Vec<_> = workspace
        .saying("steps/02-modules", "step_01_monolith")
        .into_iter()
        .filter(|path| !path.starts_with(&format!("{stops}stops")) && *path != format!("{stops}processes.rs"))
        .collect();
    assert_eq!(elsewhere, Vec::<String>::new());
}

#[test]
fn a_composition_root_is_read_at_a_glance() {
    const LINES: usize = 80;
    let workspace = Workspace::read();
    let roots = workspace.saying("steps", "//! The composition root");
    assert!(roots.len() >= 4, "{roots:?}");
    for root in roots {
        let text = fs::read_to_string(workspace.root.join(&root)).unwrap();
        let lines = text.lines().count();
        assert!(lines <= LINES, "{root} has {lines} lines: what is no composition has another room");
    }
}

#[test]
fn what_all_steps_keep_knows_no_step() {
    let workspace = Workspace::read();
    for (name, known) in workspace.below("crates/automator") {
        let steps: Vec<_> = known.iter().filter(|name| name.starts_with("step-")).collect();
        assert!(steps.is_empty(), "{name} knows {steps:?}");
    }
}

#[test]
fn a_service_without_pages_is_made_without_them_and_nothing_that_ships_with_what_starts_it_in_tests() {
    let workspace = Workspace::read();
    for service in ["step-04-notify", "step-05-backlog"] {
        assert!(!workspace.all_of(service).contains("automator-pages"), "{service} is made with templates");
    }
    let tests = ["acceptance", "bench", "harness", "manifests"];
    // A planted fault that system-03 starts beside the gateway. What ships does not say its name.
    let faulty = "step-03-faulty";
    let mut saying = workspace.saying("steps/03-gateway/src", "step_03_faulty");
    saying.retain(|path| path != "steps/03-gateway/src/bin/system-03.rs");
    assert_eq!(saying, Vec::<String>::new());
    for (name, folder) in &workspace.folders {
        let only_tests = [faulty, "step-10-containers", "step-11-kubernetes"].contains(&&**name);
        let is_ours = name.starts_with("step-") || name.starts_with("automator-");
        if is_ours && !only_tests {
            let made_with = workspace.made_with(name, faulty);
            let with: Vec<_> = made_with.iter().filter(|name| tests.contains(&&***name)).collect();
            assert!(with.is_empty(), "{name} ({}) is made with {with:?}", folder.display());
        }
    }
}

#[test]
fn of_a_solution_only_its_piece_is_used() {
    let workspace = Workspace::read();
    let using: Vec<_> = ["steps", "crates"]
        .into_iter()
        .flat_map(|folder| workspace.saying(folder, "use solution_"))
        // The command writes such a line into the pieces of a new step.
        .filter(|path| {
            path.contains("/src/") && !path.ends_with("/pieces.rs") && !path.starts_with("crates/workshop")
        })
        .collect();
    assert_eq!(using, Vec::<String>::new());
}
