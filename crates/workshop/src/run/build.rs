//! Building a step's binary, and taking a copy of it that cargo may replace while ours runs.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use harness::Stop;

use crate::{
    cargo::{self, Output},
    output::complain,
    workshop::Workshop,
};

/// Builds `binary` with `features` and copies it into `folder`; the path of the copy. cargo's own progress and errors go to
/// the terminal.
pub(super) fn build(
    workshop: &Workshop,
    binary: &str,
    features: &[String],
    folder: &Path,
    stop: &Stop,
) -> Result<PathBuf> {
    let is_first = !folder.join(binary).with_extension(std::env::consts::EXE_EXTENSION).exists();
    if is_first {
        complain(&format!("building {binary} (the first time takes some minutes)"));
    }
    let features = features.join(",");
    let mut arguments = vec!["build", "--workspace", "--bin", binary];
    if !features.is_empty() {
        arguments.extend(["--features", &features]);
    }
    let built = cargo::build(&workshop.root, &arguments, Output::Shown, stop)?;
    if !built.success {
        bail!("{binary} was not built; cargo says above why");
    }
    let program = built.executable(binary).with_context(|| format!("cargo built no {binary}"))?;
    copy(program, folder).with_context(|| format!("cannot copy {binary} to {}", workshop.shown(folder)))
}

/// Beside, then in its place: the old copy may be running still.
fn copy(built: &Path, folder: &Path) -> io::Result<PathBuf> {
    let name = built.file_name().unwrap_or(built.as_os_str());
    let target = folder.join(name);
    let beside = folder.join(format!("{}.new", name.to_string_lossy()));
    fs::copy(built, &beside)?;
    fs::rename(&beside, &target)?;
    Ok(target)
}
