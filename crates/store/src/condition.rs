//! In which state a database is, as far as this process knows: whether it takes writes, and whether its file is still there.

use std::{
    fmt::Display,
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use crate::{Backend, Error, Store, query};

/// What all clones of a [`Store`] know.
#[derive(Debug)]
pub(crate) struct Condition {
    file: Option<File>,
    /// A write failed because none is taken, and none has worked since.
    refuses: AtomicBool,
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
    fn refuse(&self, why: &dyn Display) {
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

impl Store {
    /// Whether the database answers and takes writes. A full disk is only seen by a write; so one is tried, but only after another
    /// one has failed.
    pub async fn is_there(&self) -> bool {
        if self.condition.is_in_place().is_err() || !self.answers().await {
            return false;
        }
        !self.condition.refuses.load(Ordering::Relaxed) || self.takes_a_write().await
    }

    async fn answers(&self) -> bool {
        match self.backend() {
            Backend::Sqlite => query("SELECT 1").fetch_one::<(i64,)>(self).await.is_ok(),
            // A server may have become a copy of another one, which is only read.
            Backend::Postgres => {
                let asked = query("SELECT current_setting('transaction_read_only')");
                match asked.fetch_one::<(String,)>(self).await {
                    Ok((read_only,)) if read_only == "off" => true,
                    Ok(_) => {
                        self.condition.refuse(&"it may only be read");
                        false
                    }
                    Err(_) => false,
                }
            }
        }
    }

    /// Tries to write a hundred kilobytes, which nobody keeps: a single page may find room in what the database has already.
    async fn takes_a_write(&self) -> bool {
        let writes: &[&'static str] = match self.backend() {
            // Each commits by itself: what one transaction makes and drops is never written.
            Backend::Sqlite => &[
                "CREATE TABLE IF NOT EXISTS room_for_writes (room BLOB)",
                "INSERT INTO room_for_writes VALUES (zeroblob(100000))",
                "DELETE FROM room_for_writes",
            ],
            Backend::Postgres => &["CREATE TEMPORARY TABLE room_for_writes ON COMMIT DROP AS \
                 SELECT md5(CAST(n AS TEXT)) AS room FROM generate_series(1, 2000) AS n"],
        };
        let mut works = true;
        for write in writes {
            works &= query(write).execute(self).await.is_ok();
        }
        if works && self.condition.refuses.swap(false, Ordering::Relaxed) {
            tracing::info!("the database takes writes again");
        }
        works
    }
}
