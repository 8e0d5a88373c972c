//! The workshop's files: where its root is, and what lies where below it.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{
    Usage,
    list::{Exercise, Image, List, Member, Part, Step, Track},
};

/// The file that marks the root.
const FILE: &str = "workshop.toml";

/// A checkout of the workshop.
#[derive(Debug)]
pub(crate) struct Workshop {
    pub(crate) root: PathBuf,
    list: List,
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
        let workshop = Self { root: root.to_owned(), list };
        workshop.check().with_context(|| format!("{} makes no sense", file.display()))?;
        Ok(workshop)
    }

    /// What makes no sense although it can be read.
    fn check(&self) -> Result<()> {
        let list = &self.list;
        if let Some(step) = list.step.iter().find(|step| list.part.iter().all(|part| part.key != step.part)) {
            bail!("step {} is in no known part: {}", step.number, step.part);
        }
        for (index, exercise) in list.exercise.iter().enumerate() {
            if list.step.iter().all(|step| step.number != exercise.step) {
                bail!("exercise {} is in no known step: {}", exercise.number, exercise.step);
            }
            let before = &list.exercise[..index];
            if before.iter().any(|other| other.number == exercise.number || other.slug == exercise.slug) {
                bail!("exercise {}: its number or its slug is taken", exercise.number);
            }
        }
        Ok(())
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

    /// All exercises, in order.
    pub(crate) fn exercises(&self) -> &[Exercise] {
        &self.list.exercise
    }

    /// The exercises of a step, in order.
    pub(crate) fn exercises_of(&self, step: &Step) -> impl Iterator<Item = &Exercise> {
        self.list.exercise.iter().filter(|exercise| exercise.step == step.number)
    }

    /// The exercise with this number, `1.1` for `01.1` included.
    pub(crate) fn exercise(&self, number: &str) -> Result<&Exercise> {
        let plain = |number: &str| number.trim().trim_start_matches('0').to_owned();
        self.list.exercise.iter().find(|exercise| plain(&exercise.number) == plain(number)).ok_or_else(|| {
            let numbers: Vec<_> =
                self.list.exercise.iter().map(|exercise| exercise.number.as_str()).collect();
            Usage(format!("there is no exercise {number}; there are: {}", numbers.join(", "))).into()
        })
    }

    /// The step that an exercise belongs to.
    pub(crate) fn step_of(&self, exercise: &Exercise) -> &Step {
        // `check` refuses a list in which it is missing, so the first is never taken for it.
        self.list.step.iter().find(|step| step.number == exercise.step).unwrap_or(&self.list.step[0])
    }

    /// All tracks.
    pub(crate) fn tracks(&self) -> &[Track] {
        &self.list.track
    }

    /// The part that a step is in.
    pub(crate) fn part(&self, step: &Step) -> &Part {
        // `check` refuses a list in which one is missing, so the first is never taken for it.
        self.list.part.iter().find(|part| part.key == step.part).unwrap_or(&self.list.part[0])
    }

    /// The container images that tests use.
    pub(crate) fn images(&self) -> &[Image] {
        &self.list.image
    }

    /// Who is in the team when a step is run.
    pub(crate) fn team(&self) -> &[Member] {
        &self.list.member
    }

    /// A step's folder.
    pub(crate) fn folder(&self, step: &Step) -> PathBuf {
        self.root.join("steps").join(step.folder())
    }

    /// Where the learner's files of a step are.
    pub(crate) fn mine(&self, step: &Step) -> PathBuf {
        self.root.join("exercises").join(step.folder())
    }

    /// Where the finished files of a step are, with their regions.
    pub(crate) fn solutions(&self, step: &Step) -> PathBuf {
        self.root.join("solutions").join(step.folder())
    }

    /// All parts, in order.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.list.part
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
