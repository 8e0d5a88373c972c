//! What a `RUN cargo build …` builds, and where it leaves it.

use super::{Instruction, Stage};

/// One `cargo build`, as far as it decides what is built and what is kept of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Build {
    /// `dev` unless told.
    pub(super) profile: String,
    /// The platform that is named, on its own command line.
    target: Option<String>,
    /// What it has of features.
    features: Vec<String>,
    /// The packages whose features are put together; all of the workspace, where that is said.
    packages: Vec<String>,
    /// Variables of the command itself.
    environment: Vec<String>,
    /// Whether it is cargo-chef's, which sees by itself to what is built.
    pub(super) is_chef: bool,
}

impl Build {
    /// Every build of an instruction.
    pub(super) fn all(instruction: &Instruction) -> Vec<Self> {
        if instruction.name != "RUN" {
            return Vec::new();
        }
        let commands = instruction.rest.split("&&").flat_map(|it| it.split([';', '|']));
        commands.filter_map(Self::of).collect()
    }

    fn of(command: &str) -> Option<Self> {
        let words: Vec<_> = command.split_whitespace().map(|word| word.trim_matches('"')).collect();
        let cargo = words.iter().position(|word| *word == "cargo")?;
        let is_chef = words.get(cargo + 1..cargo + 3) == Some(&["chef", "cook"][..]);
        if !is_chef && words.get(cargo + 1) != Some(&"build") {
            return None;
        }
        let mut build = Self {
            profile: "dev".to_owned(),
            target: None,
            features: Vec::new(),
            packages: Vec::new(),
            environment: words[..cargo]
                .iter()
                .filter(|word| word.contains('='))
                .map(|it| (*it).to_owned())
                .collect(),
            is_chef,
        };
        let mut words = words[cargo..].iter();
        while let Some(word) = words.next() {
            let (option, value) =
                word.split_once('=').map_or((*word, None), |(option, value)| (option, Some(value)));
            let mut value = || value.map(str::to_owned).or_else(|| words.next().map(|it| (*it).to_owned()));
            match option {
                "--release" | "-r" => build.profile = "release".to_owned(),
                "--profile" => build.profile = value().unwrap_or_default(),
                "--target" => build.target = value(),
                "--features" | "-F" => build.features.extend(value()),
                "--all-features" | "--no-default-features" => build.features.push(option.to_owned()),
                "--workspace" | "--all" => build.packages.push("--workspace".to_owned()),
                "--package" | "-p" => build.packages.extend(value()),
                _ => {}
            }
        }
        Some(build)
    }

    /// What makes cargo keep the two apart, so that nothing of the one is used by the other.
    pub(super) fn differs_from(&self, other: &Self) -> Option<String> {
        let chef = self.is_chef || other.is_chef;
        let lists = |list: &[String]| if list.is_empty() { "none".to_owned() } else { list.join(" ") };
        let platform = |build: &Self| build.target.clone().unwrap_or_else(|| "none".to_owned());
        let sides = [
            ("profile", self.profile.clone(), other.profile.clone(), false),
            ("target", platform(self), platform(other), false),
            ("variables", lists(&self.environment), lists(&other.environment), false),
            ("features", lists(&self.features), lists(&other.features), chef),
            ("packages", lists(&self.packages), lists(&other.packages), chef),
        ];
        let different = sides.into_iter().find(|(_, one, other, left_out)| !left_out && one != other);
        different.map(|(what, one, other, _)| format!("{what} {one}, and then {other}"))
    }

    /// The folder that its programs lie in, below that of the target.
    fn folder(&self) -> &str {
        if self.profile == "dev" { "debug" } else { &self.profile }
    }
}

/// Every build of a stage, each with the place of its instruction.
pub(super) fn builds(stage: &Stage) -> Vec<(usize, Build)> {
    let all = stage.instructions.iter().enumerate();
    all.flat_map(|(at, instruction)| Build::all(instruction).into_iter().map(move |build| (at, build)))
        .collect()
}

/// A variable that changes what cargo builds, or where it keeps it.
pub(super) fn steers_cargo(instruction: &Instruction) -> Option<&str> {
    const STEERS: [&str; 5] =
        ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_", "CARGO_PROFILE_", "CARGO_TARGET_"];
    let is_set = ["ENV", "ARG"].contains(&instruction.name.as_str());
    let mut words = instruction.rest.split_whitespace();
    words.find(|word| is_set && STEERS.iter().any(|name| word.starts_with(name)))
}

/// Where `word` names a file below `target` that this build, which is for a named target, does not put there.
pub(super) fn misplaced(word: &str, build: &Build) -> Option<String> {
    let at = word.match_indices("target/").find(|(at, _)| *at == 0 || word[..*at].ends_with('/'));
    let below = &word[at?.0 + "target/".len()..];
    let (folder, _) = below.rsplit_once('/')?;
    let wanted = build.folder();
    let fits = folder.split_once('/').is_some_and(|(_, named)| named == wanted);
    (!fits).then(|| {
        format!(
            "{word}: nothing is there, so it cannot be built. With a target and the profile {} programs lie in target/*/{wanted}/",
            build.profile
        )
    })
}
