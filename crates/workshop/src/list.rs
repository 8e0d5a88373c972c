//! `workshop.toml`: the one list of parts, steps, exercises, tracks, and the team of a run.

use std::{
    env,
    process::{Command, Stdio},
};

use serde::{Deserialize, Serialize};

/// All of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    pub(crate) part: Vec<Part>,
    pub(crate) step: Vec<Step>,
    #[serde(default)]
    pub(crate) exercise: Vec<Exercise>,
    #[serde(default)]
    pub(crate) track: Vec<Track>,
    #[serde(default)]
    pub(crate) image: Vec<Image>,
    #[serde(default)]
    pub(crate) member: Vec<Member>,
}

/// A part of the workshop: Design, Build, Deploy, Learn.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    pub(crate) key: String,
    pub(crate) title: String,
}

/// A step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// Two digits.
    pub(crate) number: String,
    pub(crate) slug: String,
    pub(crate) part: String,
    pub(crate) title: String,
    /// Whether it is run on a cluster, and not as processes of this machine.
    #[serde(default)]
    pub(crate) cluster: bool,
}

impl Step {
    /// `01-monolith`, as folders are called in `steps`, `exercises` and `solutions`.
    pub(crate) fn folder(&self) -> String {
        format!("{}-{}", self.number, self.slug)
    }
}

/// An exercise. Its number may change, its slug stays: progress is kept by it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exercise {
    /// `01.1`, or `00`.
    pub(crate) number: String,
    pub(crate) slug: String,
    /// The number of its step.
    pub(crate) step: String,
    pub(crate) title: String,
    pub(crate) minutes: u8,
    pub(crate) needs: Needs,
    /// The one file to edit, in the step's folder of `exercises` and of `solutions`.
    pub(crate) file: String,
    /// Where the solved file lies as well, from the root, when it is no code but what the root is used with: a Dockerfile.
    #[serde(default)]
    pub(crate) shipped: Option<String>,
    /// Its tests, a module of `ex_NN`, that fail at the start.
    pub(crate) failing: Vec<String>,
    /// Where to look, what to do, nearly the code.
    pub(crate) hints: Vec<String>,
    /// What was learned, and the answers to the lesson's questions; printed after a pass.
    #[serde(default)]
    #[expect(dead_code, reason = "printed as soon as the command knows how")]
    pub(crate) debrief: Option<String>,
}

impl Exercise {
    /// The Cargo feature of the step's package that takes the learner's file.
    pub(crate) fn feature(&self) -> String {
        format!("mine-{}", self.number.replace('.', "-"))
    }

    /// The module of its tests.
    pub(crate) fn module(&self) -> String {
        self.slug.replace('-', "_")
    }

    /// What it takes: minutes, and what beside Rust has to be there.
    pub(crate) fn takes(&self) -> String {
        let needs = match self.needs {
            Needs::Cargo => "",
            Needs::Docker => ", needs Docker",
            Needs::Cluster => ", needs a cluster",
        };
        format!("{} minutes{needs}", self.minutes)
    }

    /// Number and title.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.number, self.title)
    }
}

/// What has to be on the machine beside Rust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Needs {
    Cargo,
    Docker,
    Cluster,
}

/// A way through the workshop, with its timetable.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Track {
    pub(crate) key: String,
    pub(crate) title: String,
    pub(crate) entry: Vec<Entry>,
    /// What is left out first when time is short.
    #[serde(default)]
    pub(crate) cut: Option<String>,
}

/// A row of a timetable.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) minutes: u16,
    pub(crate) what: String,
    /// The exercises that are done in it, by number.
    #[serde(default)]
    pub(crate) exercises: Vec<String>,
}

/// A container image that tests use.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Image {
    name: String,
    /// The environment variable that names another one.
    pub(crate) variable: String,
}

impl Image {
    /// Its name, or that of the image in its place.
    pub(crate) fn wanted(&self) -> String {
        env::var(&self.variable).ok().filter(|name| !name.is_empty()).unwrap_or_else(|| self.name.clone())
    }

    /// Whether the engine has it already.
    pub(crate) fn is_here(&self) -> bool {
        let mut docker = Command::new("docker");
        docker.args(["image", "inspect", &self.wanted()]);
        docker.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        docker.status().is_ok_and(|status| status.success())
    }
}

/// Somebody who is in the team when a step is run.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Member {
    pub(crate) login: String,
    pub(crate) name: String,
    email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(default)]
    on_call: bool,
}
