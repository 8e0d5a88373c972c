//! Reading and writing, so that nothing is ever half written.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
};

use anyhow::{Context, Result};

/// The text of a file, with `\n` at its line ends whatever the editor wrote; `None` when it is not there. What is no text is
/// not refused: the compiler will say so, and `reset` has to work.
pub(crate) fn read(path: &Path) -> Result<Option<String>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).replace("\r\n", "\n"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Writes beside, then renames: whoever reads finds the old text or the new one, also when we are killed in between.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let beside = beside(path);
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
        // A file that its owner protected stays as it is; a rename alone would replace it.
        match fs::metadata(path) {
            Ok(meta) if meta.permissions().readonly() => {
                Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"))
            }
            _ => fs::write(&beside, text).and_then(|()| fs::rename(&beside, path)),
        }
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// A name that no other process of ours uses at the same time, in the same folder, so that a rename suffices.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.new", process::id()))
}

/// All files below `folder`, relative to it, in order; none when it is not there.
pub(crate) fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inside) = folders.pop() {
        let path = folder.join(&inside);
        let entries = match fs::read_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other.with_context(|| format!("cannot list {}", path.display()))?,
        };
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot list {}", path.display()))?;
            let name = inside.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(name);
            } else {
                found.push(name);
            }
        }
    }
    found.sort();
    Ok(found)
}
