//! `doctor --prepare`: fetches and builds all that a class needs, while the network is good and nobody waits.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use harness::Definition;

use crate::{cargo, list::Image, output::say, workshop::Workshop};

/// Fetches crates and images and builds what `run`, `verify` and the tests build.
pub(super) fn prepare(workshop: &Workshop, engine_answers: bool) -> Result<()> {
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
    if engine_answers {
        for image in workshop.images() {
            pull(image)?;
        }
    }
    say("prepared: from here on everything works without a network");
    Ok(())
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
