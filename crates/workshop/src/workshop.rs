//! The workshop's files: its root and `workshop.toml`, the one list of parts and steps.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::Usage;

/// The file that marks the root.
const FILE: &str = "workshop.toml";

/// A checkout of the workshop.
#[derive(Debug)]
pub(crate) struct Workshop {
    pub(crate) root: PathBuf,
    list: List,
}

/// `workshop.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    part: Vec<Part>,
    step: Vec<Step>,
    #[serde(default)]
    member: Vec<Member>,
}

/// A part of the workshop: Design, Build, Deploy, Learn.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    key: String,
    pub(crate) title: String,
}

/// A step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// Two digits.
    pub(crate) number: String,
    pub(crate) slug: String,
    part: String,
    pub(crate) title: String,
}

/// Somebody who is in the team when a step is run.
#[derive(Debug, Deserialize, serde::Serialize)]
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

impl Workshop {
    /// The workshop around the current folder.
    pub(crate) fn find() -> Result<Self> {
        let here = env::current_dir().context("cannot tell the current folder")?;
        let Some(root) = here.ancestors().find(|folder| folder.join(FILE).is_file()) else {
            bail!("{} is not inside the workshop: no {FILE} here or above", here.display());
        };
        let file = root.join(FILE);
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let list: List = toml::from_str(&text).map_err(|error| {
            let line =
                error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            anyhow::anyhow!("{}:{line}: {}", file.display(), error.message())
        })?;
        if let Some(step) = list.step.iter().find(|step| list.part.iter().all(|part| part.key != step.part)) {
            bail!("{}: step {} is in no known part: {}", file.display(), step.number, step.part);
        }
        Ok(Self { root: root.to_owned(), list })
    }

    /// The step with this number.
    pub(crate) fn step(&self, number: u8) -> Result<&Step> {
        let wanted = format!("{number:02}");
        self.list.step.iter().find(|step| step.number == wanted).ok_or_else(|| {
            let numbers: Vec<_> = self.list.step.iter().map(|step| step.number.as_str()).collect();
            Usage(format!("there is no step {wanted}; there are: {}", numbers.join(", "))).into()
        })
    }

    /// All steps, in order.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.list.step
    }

    /// The part that a step is in.
    pub(crate) fn part(&self, step: &Step) -> &Part {
        // `find` refuses a list in which one is missing, so the first is never taken for it.
        self.list.part.iter().find(|part| part.key == step.part).unwrap_or(&self.list.part[0])
    }

    /// Who is in the team when a step is run.
    pub(crate) fn team(&self) -> &[Member] {
        &self.list.member
    }

    /// A step's folder.
    pub(crate) fn folder(&self, step: &Step) -> PathBuf {
        self.root.join("steps").join(format!("{}-{}", step.number, step.slug))
    }

    /// What the command keeps for itself; not under version control.
    pub(crate) fn own_folder(&self) -> PathBuf {
        self.root.join(".workshop")
    }

    /// A path as a person in the root would type it.
    pub(crate) fn shown<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }
}
