//! Nothing of a learner's is ever lost: before a file of theirs is replaced, a copy goes to `.workshop/saved`.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};

use crate::{files, output::say, workshop::Workshop};

/// Replaces files, each saved first where it held anything else. Says where the copies are.
pub(crate) struct Replacing<'a> {
    workshop: &'a Workshop,
    folder: PathBuf,
    saved: usize,
}

impl<'a> Replacing<'a> {
    /// Copies of this time go into a folder of their own, named by `why`.
    pub(crate) fn new(workshop: &'a Workshop, why: &str) -> Self {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let all = workshop.own_folder().join("saved");
        let name = format!("{}-{why}", date_and_time(seconds));
        // Twice in one second is two folders.
        let names = std::iter::once(name.clone()).chain((2..1000).map(|n| format!("{name}-{n}")));
        let folder = names
            .map(|name| all.join(name))
            .find(|folder| !folder.exists())
            .unwrap_or_else(|| all.join(&name));
        Self { workshop, folder, saved: 0 }
    }

    /// Gives `path` this text, unless it has it.
    pub(crate) fn write(&mut self, path: &Path, text: &str) -> Result<()> {
        if !self.save_unless(path, |is| is.replace("\r\n", "\n") == text)? {
            return Ok(());
        }
        files::write(path, text)
    }

    /// Removes `path`.
    pub(crate) fn remove(&mut self, path: &Path) -> Result<()> {
        self.save_unless(path, |_| false)?;
        fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))
    }

    /// Saves a copy, unless the file is gone, or `same` as it should be; then `false`.
    fn save_unless(&mut self, path: &Path, same: impl FnOnce(&str) -> bool) -> Result<bool> {
        // As bytes: what somebody's editor made of it is theirs, text or not.
        let Ok(bytes) = fs::read(path) else { return Ok(true) };
        if same(&String::from_utf8_lossy(&bytes)) {
            return Ok(false);
        }
        let copy = self.folder.join(path.strip_prefix(&self.workshop.root).unwrap_or(path));
        copy.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&copy, bytes))
            .with_context(|| format!("cannot save a copy as {}, so nothing was changed", copy.display()))?;
        self.saved += 1;
        Ok(true)
    }

    /// Says where the copies are, if there are any.
    pub(crate) fn finish(self) {
        if self.saved > 0 {
            let files = if self.saved == 1 { "the file" } else { "the files" };
            say(&format!("Saved      {files} as before: {}", self.workshop.shown(&self.folder)));
        }
    }
}

/// `2026-11-23T14-05-59Z`: sorts, and is a file's name on every system.
fn date_and_time(seconds: u64) -> String {
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    // The civil calendar from days since 1970-01-01 (http://howardhinnant.github.io/date_algorithms.html).
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}-{minute:02}-{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_date_and_time() {
        assert_eq!(date_and_time(0), "1970-01-01T00-00-00Z");
        assert_eq!(date_and_time(951_868_799), "2000-02-29T23-59-59Z");
        assert_eq!(date_and_time(1_795_442_759), "2026-11-23T14-05-59Z");
    }
}
