//! Reading and writing, so that nothing is ever half written.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
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

/// Writes a file of the checkout, which everybody may read who may read the checkout.
pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| replace(path, bytes.as_ref(), &mut File::options()))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a file of our own, for its owner's eyes: mode 0600, in folders of 0700 where they have to be made.
pub(crate) fn write_private(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    let made = path.parent().map_or(Ok(()), create_private_folder);
    made.and_then(|()| replace(path, bytes.as_ref(), private(&mut File::options())))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Makes a folder and those above it that are missing, for the owner only.
pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut folder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.recursive(true).create(path)
}

/// Takes the rights of others on a folder away, where it was made before we did so. Where that fails, it stays
/// as it is.
pub(crate) fn close_to_others(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let is_open =
            fs::metadata(path).is_ok_and(|meta| meta.is_dir() && meta.permissions().mode() & 0o077 != 0);
        if is_open {
            let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o700));
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// Of a file that is made, the owner only may read it. Windows gives a file the rights of its folder, which are the user's.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Writes beside, then renames: whoever reads finds the old text or the new one, also when we are killed in between.
fn replace(path: &Path, bytes: &[u8], options: &mut OpenOptions) -> io::Result<()> {
    // A file that its owner protected stays as it is; a rename alone would replace it.
    if fs::metadata(path).is_ok_and(|meta| meta.permissions().readonly()) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
    }
    let beside = beside(path);
    let written = options
        .create(true)
        .truncate(true)
        .write(true)
        .open(&beside)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
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
