//! In which state a database is, as far as this process knows: whether it takes writes, and whether its file is still there.

use std::{
    fmt::Display,
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use crate::Error;

/// What all clones of a [`Store`] know.
#[derive(Debug)]
pub(crate) struct Condition {
    file: Option<File>,
    /// A write failed because none is taken, and readiness has not seen one work since.
    pub(crate) refuses: AtomicBool,
}

impl Condition {
    /// Of a database that has just been opened, at `file` where it is one.
    ///
    /// # Errors
    /// The file is not there.
    pub(crate) fn new(file: Option<&Path>) -> io::Result<Self> {
        Ok(Self { file: file.map(File::open).transpose()?, refuses: AtomicBool::new(false) })
    }

    /// The error, after what it says about the database was noted.
    pub(crate) fn notice(&self, error: impl Into<Error>) -> Error {
        let error = error.into();
        if error.refuses_writes() {
            self.refuse(&error);
        }
        error
    }

    /// Says once that no write is taken.
    pub(crate) fn refuse(&self, why: &dyn Display) {
        if !self.refuses.swap(true, Ordering::Relaxed) {
            tracing::error!(%why, "the database takes no writes");
        }
    }

    /// Whether the file lies where it was opened. What is written to a file that somebody has deleted or replaced is gone with this
    /// process. It costs a question to the file system, a microsecond; a server has no file of ours.
    ///
    /// # Errors
    /// It does not.
    pub(crate) fn is_in_place(&self) -> Result<(), Error> {
        match &self.file {
            Some(file) if !file.is_in_place() => Err(Error::file_is_gone()),
            _ => Ok(()),
        }
    }
}

/// The file of a SQLite database.
#[derive(Debug)]
struct File {
    path: PathBuf,
    opened: Identity,
    is_gone: AtomicBool,
}

impl File {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), opened: identity(path)?, is_gone: AtomicBool::new(false) })
    }

    /// Says once when it is gone, and when it is back.
    fn is_in_place(&self) -> bool {
        let is_gone = identity(&self.path).ok().as_ref() != Some(&self.opened);
        match (is_gone, self.is_gone.swap(is_gone, Ordering::Relaxed)) {
            (true, false) => tracing::error!(
                file = %self.path.display(),
                "the file of the database was deleted or replaced: put it back, or start this process again; \
                 nothing is written meanwhile"
            ),
            (false, true) => tracing::info!(file = %self.path.display(), "the file of the database is back"),
            _ => {}
        }
        !is_gone
    }
}

/// What tells a file from another one of the same name: its device and its inode.
#[cfg(unix)]
type Identity = (u64, u64);

/// A file that is open can be neither deleted nor replaced there, so its path is enough.
#[cfg(not(unix))]
type Identity = ();

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;

    let file = path.metadata()?;
    Ok((file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Identity> {
    path.metadata().map(drop)
}
