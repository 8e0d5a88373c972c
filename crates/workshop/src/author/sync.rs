//! `author sync`: makes `exercises/NN` and `NN.x.diff` from `solutions/NN`, and what the root is used with.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{
    files, list::Step, patch, piece::as_exercise, region::Source, saved::Replacing, workshop::Workshop,
};

/// A region of this name is no exercise's: what differs between the crates themselves, in their manifests.
const CRATE: &str = "crate";

/// The files of a step's solution that an exercise crate has too, relative to its folder.
pub(crate) fn sources(workshop: &Workshop, step: &Step) -> Result<Vec<PathBuf>> {
    let mut names = files::below(&workshop.solutions(step))?;
    names.retain(|name| !name.starts_with("wrong") && name.extension().is_none_or(|kind| kind != "diff"));
    Ok(names)
}

/// Everything that is generated for a step: path and text.
///
/// # Errors
/// Wrong regions, a region of another exercise than the file's, an exercise without its file.
pub(crate) fn generated(workshop: &Workshop, step: &Step) -> Result<BTreeMap<PathBuf, String>> {
    let (solutions, mine) = (workshop.solutions(step), workshop.mine(step));
    let mut generated = BTreeMap::new();
    let mut found = Vec::new();
    for name in sources(workshop, step)? {
        let path = solutions.join(&name);
        let shown = workshop.shown(&path).to_string();
        let text = files::read(&path)?.with_context(|| format!("{shown} is gone"))?;
        let source = Source::parse(&text).with_context(|| format!("{shown} has wrong regions"))?;
        let owner = workshop.exercises_of(step).find(|exercise| Path::new(&exercise.file) == name);
        for region in &source.exercises {
            if region != CRATE && owner.is_none_or(|owner| owner.number != *region) {
                bail!(
                    "{shown} has a region of {region}, but workshop.toml gives the file to another or to none"
                );
            }
        }
        let starter = as_exercise(step, &source.starter);
        if let Some(owner) = owner {
            let solved = as_exercise(step, &source.solved);
            let names = (format!("{}, at the start", owner.number), format!("{}, solved", owner.number));
            let diff = patch::diff(&names.0, &starter, &names.1, &solved);
            generated.insert(solutions.join(format!("{}.diff", owner.number)), diff);
            if let Some(shipped) = &owner.shipped {
                generated.insert(workshop.root.join(shipped), source.solved);
            }
            found.push(&owner.number);
        }
        generated.insert(mine.join(name), starter);
    }
    if let Some(lost) = workshop.exercises_of(step).find(|exercise| !found.contains(&&exercise.number)) {
        bail!("exercise {} has no file {} in {}", lost.number, lost.file, workshop.shown(&solutions));
    }
    Ok(generated)
}

/// What is not as it would be generated, by path; with what it should be, `None` for what should not be there.
pub(crate) fn stale(workshop: &Workshop, step: &Step) -> Result<Vec<(PathBuf, Option<String>)>> {
    let wanted = generated(workshop, step)?;
    let mine = workshop.mine(step);
    let solutions = workshop.solutions(step);
    let there = files::below(&mine)?.into_iter().map(|name| mine.join(name));
    let diffs = files::below(&solutions)?
        .into_iter()
        .filter(|name| name.extension().is_some_and(|kind| kind == "diff"));
    let mut stale: Vec<_> = there
        .chain(diffs.map(|name| solutions.join(name)))
        .filter(|path| !wanted.contains_key(path))
        .map(|path| (path, None))
        .collect();
    for (path, text) in wanted {
        if files::read(&path)?.as_ref() != Some(&text) {
            stale.push((path, Some(text)));
        }
    }
    Ok(stale)
}

/// Brings everything up to date; how many files changed.
pub(crate) fn sync(workshop: &Workshop) -> Result<usize> {
    let mut replacing = Replacing::new(workshop, "sync");
    let mut changed = 0;
    for step in workshop.steps() {
        for (path, text) in stale(workshop, step)? {
            crate::output::say(&workshop.shown(&path).to_string());
            match text {
                Some(text) => replacing.write(&path, &text)?,
                None => replacing.remove(&path)?,
            }
            changed += 1;
        }
    }
    replacing.finish();
    Ok(changed)
}
