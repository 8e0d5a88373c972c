//! The workshop's files: where its root is, and what lies where below it.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{
    Usage, files,
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
        Self::at(root)
    }

    /// The workshop in the folder `root`.
    pub(crate) fn at(root: &Path) -> Result<Self> {
        let file = root.join(FILE);
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let list: List = toml::from_str(&text).map_err(|error| {
            let line =
                error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            anyhow::anyhow!("{}:{line}: {}", file.display(), error.message())
        })?;
        let workshop = Self { root: root.to_owned(), list };
        workshop.check().with_context(|| format!("{} makes no sense", file.display()))?;
        files::close_to_others(&workshop.own_folder());
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
            let is_same = |other: &Exercise| {
                other.number == exercise.number
                    || other.slugs().any(|one| exercise.slugs().any(|slug| slug == one))
            };
            if before.iter().any(is_same) {
                bail!("exercise {}: its number or its slug is taken", exercise.number);
            }
        }
        let slugs = list
            .exercise
            .iter()
            .flat_map(Exercise::slugs)
            .chain(list.step.iter().map(|step| step.slug.as_str()));
        for slug in slugs.chain(list.track.iter().map(|track| track.key.as_str())) {
            check_slug(slug)?;
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

    /// The one file of an exercise that the learner edits.
    pub(crate) fn file_of(&self, exercise: &Exercise) -> PathBuf {
        self.mine(self.step_of(exercise)).join(&exercise.file)
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

    /// A path as a person in the root would type it, with the system's own separators throughout.
    pub(crate) fn shown(&self, path: &Path) -> String {
        let path = path.strip_prefix(&self.root).unwrap_or(path);
        path.components().collect::<PathBuf>().display().to_string()
    }
}

/// A slug is part of files' names on every system: some tell no case apart, and Windows has names that no file may have
/// (<https://learn.microsoft.com/windows/win32/fileio/naming-a-file>).
fn check_slug(slug: &str) -> Result<()> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_port = |name: &str| {
        slug.strip_prefix(name)
            .is_some_and(|rest| rest.len() == 1 && rest.chars().all(|c| c.is_ascii_digit()))
    };
    if slug.is_empty() || !slug.chars().all(is_plain) {
        bail!("the slug {slug:?} has more than small letters, digits and -");
    }
    if ["con", "prn", "aux", "nul"].contains(&slug) || is_port("com") || is_port("lpt") {
        bail!("Windows has no files that are called {slug}");
    }
    Ok(())
}
