//! One run of a step at a time.

use std::{
    fs::{self, File, TryLockError},
    io::{Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

/// A lock of the operating system on a file: when we are killed, it goes with us. Dropped, the file goes too.
pub(crate) struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes the lock and notes `address` for whoever comes second.
    pub(crate) fn take(path: &Path, address: &str) -> Result<Self> {
        let open = || File::options().create(true).truncate(false).read(true).write(true).open(path);
        let mut file = open().with_context(|| format!("cannot write {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let by = Self::holder(path).unwrap_or_else(|| "another terminal".to_owned());
                bail!("it is running already ({by}); stop that one first with Ctrl-C");
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{address}, process {}", std::process::id()))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path: path.to_owned(), _file: file })
    }
}

impl Lock {
    /// Who holds the lock of that path: what [`Lock::take`] noted; `None` when nobody does.
    pub(crate) fn holder(path: &Path) -> Option<String> {
        let mut file = File::options().read(true).write(true).open(path).ok()?;
        let Err(TryLockError::WouldBlock) = file.try_lock() else { return None };
        let mut by = String::new();
        // Windows does not let us read what another process has locked; then we say less.
        let _ = file.read_to_string(&mut by);
        Some(by.lines().next().filter(|by| !by.is_empty()).unwrap_or("another terminal").to_owned())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While we still hold it: nobody else's can be removed.
        let _ = fs::remove_file(&self.path);
    }
}
