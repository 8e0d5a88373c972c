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

/// The binary of the live map.
const MAP: &str = "map";

/// The programs of a run: copies that cargo may replace while ours run.
pub(super) struct Programs {
    /// The step's.
    pub(super) system: PathBuf,
    /// The live map's, where the workshop has one.
    pub(super) map: Option<PathBuf>,
}

/// Builds `binary` with `features`, and the map with it, and copies both into `folder`. cargo's own progress and errors go to the
/// terminal.
pub(super) fn build(
    workshop: &Workshop,
    binary: &str,
    features: &[String],
    folder: &Path,
    stop: &Stop,
) -> Result<Programs> {
    let is_first = !folder.join(binary).with_extension(std::env::consts::EXE_EXTENSION).exists();
    if is_first {
        complain(&format!("building {binary} (the first time takes some minutes)"));
    }
    let features = features.join(",");
    let mut arguments = vec!["build", "--workspace", "--bin", binary];
    let has_map = workshop.root.join("crates").join(MAP).join("Cargo.toml").exists();
    if has_map {
        arguments.extend(["--bin", MAP]);
    }
    if !features.is_empty() {
        arguments.extend(["--features", &features]);
    }
    let built = cargo::build(&workshop.root, &arguments, Output::Shown, stop)?;
    if !built.success {
        bail!("{binary} was not built; cargo says above why");
    }
    let copied = |name: &str| {
        let program = built.executable(name).with_context(|| format!("cargo built no {name}"))?;
        copy(program, folder).with_context(|| format!("cannot copy {name} to {}", workshop.shown(folder)))
    };
    Ok(Programs { system: copied(binary)?, map: has_map.then(|| copied(MAP)).transpose()? })
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
