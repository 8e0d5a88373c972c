//! Several answers in one file: asks `crates/answers`, which can read Rust, so that this command need not.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use harness::Stop;
use serde::Deserialize;

use crate::{
    cargo::{self, Output},
    say::complain,
    workshop::Workshop,
};

/// The program that merges.
const PROGRAM: &str = "merge-answers";

/// Answers in one file.
#[derive(Debug, Deserialize)]
pub(super) struct File {
    /// Their places in the list that was given.
    pub(super) answers: Vec<usize>,
    pub(super) text: String,
    /// What keeps them from the first file.
    pub(super) apart: Option<String>,
}

/// Builds the program that merges; `None` where that fails, and then each answer is built by itself.
pub(super) fn build(workshop: &Workshop, stop: &Stop) -> Result<Option<PathBuf>> {
    let arguments = ["build", "--workspace", "--bin", PROGRAM];
    let built = cargo::build(&workshop.root, &arguments, Output::Kept, stop)?;
    let program = built.executable(PROGRAM).filter(|_| built.success).map(Path::to_owned);
    if program.is_none() {
        complain(&format!(
            "{PROGRAM} was not built, so each wrong answer has a build of its own: {}",
            built.complaints.trim_end()
        ));
    }
    Ok(program)
}

/// As few files as `program` can merge these answers into.
pub(super) fn files(program: &Path, texts: &[&str]) -> Result<Vec<File>> {
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {PROGRAM}"))?;
    // It reads everything before it writes. Dropped, its input has an end.
    let mut input = child.stdin.take().with_context(|| format!("{PROGRAM} has no input"))?;
    input.write_all(&serde_json::to_vec(texts)?).with_context(|| format!("{PROGRAM} does not listen"))?;
    drop(input);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("{PROGRAM} ended with {}", output.status);
    }
    let files: Vec<File> =
        serde_json::from_slice(&output.stdout).with_context(|| format!("cannot read what {PROGRAM} says"))?;
    // One that is in no file would never be proved.
    let mut all: Vec<_> = files.iter().flat_map(|file| file.answers.iter().copied()).collect();
    all.sort_unstable();
    if !all.into_iter().eq(0..texts.len()) {
        bail!("{PROGRAM} has not put each answer into one file");
    }
    Ok(files)
}
