//! A temporary workshop with two exercises, made from the standard library alone.

use std::{fs, process::Command};

use crate::support::{Checkout, Done};

/// The first exercise: a weight of 1 that should be 2.
pub(crate) const WEIGHT: &str = "exercises/01-monolith/src/weight.rs";
/// The second one: a hole.
pub(crate) const ANSWER: &str = "exercises/01-monolith/src/answer.rs";

const LIST: &str = r#"
part = [{ key = "design", title = "Design" }]
step = [{ number = "01", slug = "monolith", part = "design", title = "The monolith" }]

[[exercise]]
number = "00"
slug = "weight"
step = "01"
title = "A weight"
minutes = 5
needs = "cargo"
file = "src/weight.rs"
failing = ["it_weighs_two"]
hints = ["look", "do", "2"]

[[exercise]]
number = "01.1"
slug = "answer"
step = "01"
title = "An answer"
minutes = 10
needs = "docker"
file = "src/answer.rs"
failing = ["it_answers"]
hints = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16"]

[[track]]
key = "short"
title = "A short one"
entry = [{ minutes = 50, what = "00", exercises = ["00"] }, { minutes = 15, what = "09.9", exercises = ["09.9"] }]
"#;

const STEP: &str = r#"
[package]
name = "step-01-monolith"
version = "0.1.0"
edition = "2024"
[features]
mine-00 = ["dep:exercise-01-monolith"]
mine-01-1 = ["dep:exercise-01-monolith"]
[dependencies]
exercise-01-monolith = { path = "../../exercises/01-monolith", optional = true }
solution-01-monolith = { path = "../../solutions/01-monolith" }
[lib]
path = "src/lib.rs"
[[bin]]
name = "system-01"
path = "src/main.rs"
"#;

const PIECES: &str = r#"
#[cfg(feature = "mine-01-1")]
pub use exercise_01_monolith::answer::answer;
#[cfg(not(feature = "mine-01-1"))]
pub use solution_01_monolith::answer::answer;
#[cfg(feature = "mine-00")]
pub use exercise_01_monolith::weight::weight;
#[cfg(not(feature = "mine-00"))]
pub use solution_01_monolith::weight::weight;
"#;

const TESTS: &str = r#"
mod weight {
    #[test]
    fn it_is_small() {
        assert!(step_01_monolith::weight() < 100, "it is too heavy for anybody");
    }
    #[test]
    fn it_weighs_two() {
        let weight = step_01_monolith::weight();
        assert!(weight == 2, "Somebody waits at the scales: it weighs {weight}.");
        println!("note: well weighed");
    }
}
mod answer {
    #[test]
    fn it_answers() {
        assert!(step_01_monolith::answer() == 7, "Nobody was answered.");
    }
}
"#;

const SOLUTION: &str = r#"
[package]
name = "solution-01-monolith"
version = "0.1.0"
edition = "2024"
# begin crate
#| [lib]
#| test = false
#| doctest = false
# end crate
"#;

/// A second step's system: a gateway in front, no simulators.
const GATEWAY: &str = r#"
extends = "../01-monolith"
step = "02"
binary = "system-02"
front = "gateway"
remove = ["simulators"]
[[process]]
name = "monolith"
port = 8081
waits_for = ["migrate"]
[[process]]
name = "gateway"
args = ["monolith"]
port = 8080
env = { TOKEN = "{token}" }
"#;

const GATEWAY_STEP: &str = r#"
[package]
name = "step-02-gateway"
version = "0.1.0"
edition = "2024"
[dependencies]
step-01-monolith = { path = "../01-monolith" }
[[bin]]
name = "system-02"
path = "src/main.rs"
"#;

impl Checkout {
    /// A workshop with exercises, as a learner finds it.
    pub(crate) fn with_exercises() -> Self {
        let checkout = Self::new();
        checkout.write("workshop.toml", LIST);
        let members = "members = [\"exercises/*\", \"solutions/*\", \"steps/*\"]\n";
        checkout.write(
            "Cargo.toml",
            &format!(
                "[workspace]\nresolver = \"3\"\n{members}[workspace.package]\nrust-version = \"1.80\"\n"
            ),
        );
        checkout.write("steps/01-monolith/Cargo.toml", STEP);
        checkout.write("steps/01-monolith/src/lib.rs", PIECES);
        checkout.write("steps/01-monolith/tests/ex_01.rs", TESTS);
        checkout.write("solutions/01-monolith/Cargo.toml", SOLUTION);
        checkout.write("solutions/01-monolith/src/lib.rs", "pub mod answer;\npub mod weight;\n");
        let weight = "pub fn weight() -> u32 {\n    // begin 00\n    2\n    //| 1\n    // end 00\n}\n";
        checkout.write("solutions/01-monolith/src/weight.rs", weight);
        let answer = "pub fn answer() -> u32 {\n    // begin 01.1 answer\n    7\n    // end 01.1\n}\n";
        checkout.write("solutions/01-monolith/src/answer.rs", answer);
        let synced = checkout.run(&["author", "sync"]);
        assert!(synced.ok(), "{synced}");
        checkout
    }

    /// Makes it a repository of git with all of its files committed, as the workshop's authors have it.
    pub(crate) fn publish(&self) {
        self.write(".gitignore", "/target\n/.workshop\nCargo.lock\n");
        self.git(&["init", "--quiet", "--initial-branch=main"]);
        self.commit("The workshop");
    }

    /// Commits all of its files.
    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// A learner's clone of it.
    pub(crate) fn clone_of(origin: &Self) -> Self {
        let clone = Self::empty();
        clone.git(&["clone", "--quiet", origin.path("").to_str().unwrap(), "."]);
        clone
    }

    /// What git prints.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=A", "-c", "user.email=a@example.com"]).args(arguments);
        let output = git.current_dir(self.path("")).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A second step, without exercises.
    pub(crate) fn add_gateway(&self) {
        let first = "title = \"The monolith\" }";
        let second = "{ number = \"02\", slug = \"gateway\", part = \"design\", title = \"A gateway\" }";
        let list = self.read("workshop.toml").replace(first, &format!("{first}, {second}"));
        self.write("workshop.toml", &list);
        self.write("steps/02-gateway/system.toml", GATEWAY);
        self.write("steps/02-gateway/Cargo.toml", GATEWAY_STEP);
        self.write("steps/02-gateway/src/main.rs", &self.read("steps/01-monolith/src/main.rs"));
        self.write("steps/02-gateway/tests/step_02.rs", "fn main() {}\n");
    }

    /// The text of a file.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Makes the weight's function this text, and verifies it.
    pub(crate) fn weigh(&self, body: &str) -> Done {
        self.write(WEIGHT, &format!("pub fn weight() -> u32 {{\n    {body}\n}}\n"));
        self.run(&["verify", "00", "--limit", "3"])
    }

    /// All texts that were saved.
    pub(crate) fn saved(&self) -> Vec<String> {
        let mut folders = vec![self.path(".workshop/saved")];
        let mut texts = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    texts.push(String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned());
                }
            }
        }
        texts
    }
}
