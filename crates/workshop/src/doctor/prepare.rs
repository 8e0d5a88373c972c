//! `doctor --prepare`: fetches and builds all that a class needs, while the network is good and nobody waits.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use harness::Definition;

use super::{Finding, probe::output};
use crate::{cargo, files, list::Image, output::say, piece::stamp, workshop::Workshop};

/// Fetches crates and images and builds what `run`, `verify` and the tests build.
pub(super) fn prepare(workshop: &Workshop, target: &Path, engine_answers: bool) -> Result<()> {
    cargo(workshop, &["fetch"])?;
    for step in workshop.steps() {
        let definition = Definition::load(&workshop.folder(step))?;
        cargo(workshop, &["build", "--workspace", "--bin", &definition.binary])?;
    }
    cargo(workshop, &["test", "--workspace", "--no-run"])?;
    for exercise in workshop.exercises() {
        let step = workshop.step_of(exercise);
        let features = format!("step-{}/{}", step.folder(), exercise.feature());
        let target = format!("ex_{}", step.number);
        cargo(workshop, &["test", "--workspace", "--no-run", "--test", &target, "--features", &features])?;
    }
    // No exercise needs one, so one that cannot be had keeps nobody from anything.
    let mut without = Vec::new();
    for image in workshop.images().iter().filter(|_| engine_answers) {
        if let Err(error) = pull(image) {
            say(&format!("{error:#}"));
            without.push(image.wanted());
        }
    }
    files::write_private(&note(workshop), state(workshop, target)?)?;
    match without.as_slice() {
        [] => say("prepared: from here on everything works without a network"),
        names => say(&format!(
            "prepared: from here on every exercise works without a network; not the tests that want {}",
            names.join(", ")
        )),
    }
    Ok(())
}

/// How long cargo may take to look whether all crates are here.
const LOOKS_WITHIN: Duration = Duration::from_secs(30);

/// Whether all crates are fetched, and whether all is built.
pub(super) fn finding(workshop: &Workshop, target: &Path) -> Finding {
    let advice = "cargo workshop doctor --prepare, where the network is good and nobody waits".to_owned();
    let mut fetch = cargo::command();
    fetch.args(["fetch", "--offline", "--quiet"]).current_dir(&workshop.root);
    if output(&mut fetch, LOOKS_WITHIN).is_err() {
        return Finding::Warn("no: the first run fetches crates, some 70 MB, and builds".to_owned(), advice);
    }
    let noted = files::read(&note(workshop)).ok().flatten();
    let has_changed = state(workshop, target).ok() != noted;
    match noted {
        Some(_) if !has_changed && target.join("debug").is_dir() => {
            Finding::Ok("all crates are fetched, and all is built".to_owned())
        }
        Some(_) => Finding::Warn("not any more: something is to be built again".to_owned(), advice),
        None => Finding::Warn(
            "in part: all crates are fetched, the first run builds for minutes".to_owned(),
            advice,
        ),
    }
}

/// Where it is noted for what we have prepared.
fn note(workshop: &Workshop) -> PathBuf {
    workshop.own_folder().join("prepared")
}

/// What decides whether all has to be built anew: the crates' versions, the compiler, the place.
fn state(workshop: &Workshop, target: &Path) -> Result<String> {
    let lock = files::read(&workshop.root.join("Cargo.lock"))?.unwrap_or_default();
    let rustc = output(Command::new("rustc").arg("--version"), Duration::from_secs(5))?;
    Ok(format!("{}\n{rustc}\n{}\n", stamp(&lock), target.display()))
}

/// Runs cargo as the reader would, its output theirs to see.
fn cargo(workshop: &Workshop, arguments: &[&str]) -> Result<()> {
    say(&format!("cargo {}", arguments.join(" ")));
    let status = cargo::command()
        .args(arguments)
        .current_dir(&workshop.root)
        .stdin(Stdio::null())
        .status()
        .context("cannot start cargo")?;
    if !status.success() {
        bail!("cargo says above why; mend it, then prepare again: what is done is not done twice");
    }
    Ok(())
}

fn pull(image: &Image) -> Result<()> {
    let name = image.wanted();
    if image.is_here() {
        say(&format!("{name} is here"));
        return Ok(());
    }
    say(&format!("docker pull {name}"));
    let status = Command::new("docker").args(["pull", &name]).stdin(Stdio::null()).status();
    if !status.context("cannot start docker")?.success() {
        bail!("{name} cannot be had; {} may name another image", image.variable);
    }
    Ok(())
}
