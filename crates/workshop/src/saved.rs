//! Nothing of a learner's is ever lost: before a file of theirs is replaced, a copy goes to `.workshop/saved`. `restore` brings
//! it back.
//!
//! Beside the copies of one time lies [`NOTES`]: of which exercise each is, since an exercise may have moved by then.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::{
    Usage, files,
    list::Exercise,
    output::say,
    piece::{Piece, stamp},
    progress,
    workshop::Workshop,
};

/// What is known about the copies in a folder.
const NOTES: &str = "notes.json";

/// What is known about one copy.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Note {
    /// The exercise whose file it was, by its slug.
    slug: Option<String>,
    /// [`stamp`] of what the workshop had in its place: of an exercise the start.
    start: Option<String>,
}

/// By path from the root, with `/` on every system.
type Notes = BTreeMap<String, Note>;

/// Replaces files, each saved first where it held anything else. Says where the copies are.
pub(crate) struct Replacing<'a> {
    workshop: &'a Workshop,
    folder: PathBuf,
    notes: Notes,
}

impl<'a> Replacing<'a> {
    /// Copies of this time go into a folder of their own, named by `why`.
    pub(crate) fn new(workshop: &'a Workshop, why: &str) -> Self {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let all = all(workshop);
        let name = format!("{}-{why}", date_and_time(seconds));
        // Twice in one second is two folders.
        let names = std::iter::once(name.clone()).chain((2..1000).map(|n| format!("{name}-{n}")));
        let folder = names
            .map(|name| all.join(name))
            .find(|folder| !folder.exists())
            .unwrap_or_else(|| all.join(&name));
        Self { workshop, folder, notes: Notes::new() }
    }

    /// Gives `path` this text, unless it has it.
    pub(crate) fn write(&mut self, path: &Path, text: &str) -> Result<()> {
        // As bytes: what somebody's editor made of it is theirs, text or not.
        let now = fs::read(path).ok();
        if now.as_ref().is_some_and(|now| String::from_utf8_lossy(now).replace("\r\n", "\n") == text) {
            return Ok(());
        }
        if let Some(now) = now {
            self.keep(path, &now)?;
        }
        files::write(path, text)
    }

    /// Removes `path`.
    pub(crate) fn remove(&mut self, path: &Path) -> Result<()> {
        self.save(path)?;
        fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))
    }

    /// Saves a copy of `path` and leaves it as it is; nothing where there is none.
    pub(crate) fn save(&mut self, path: &Path) -> Result<()> {
        fs::read(path).map_or(Ok(()), |now| self.keep(path, &now))
    }

    fn keep(&mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        let name = path.strip_prefix(&self.workshop.root).unwrap_or(path);
        self.notes.insert(slashed(name), Note::of(self.workshop, path));
        files::write_private(&self.folder.join(name), bytes)
            .and_then(|()| self.write_notes())
            .context("no copy can be saved, so nothing was changed")
    }

    fn write_notes(&self) -> Result<()> {
        files::write_private(&self.folder.join(NOTES), serde_json::to_string_pretty(&self.notes)?)
    }

    /// Notes what the workshop has in place of each file that was saved: what stands there now.
    pub(crate) fn note_starts(&mut self) -> Result<()> {
        for (name, note) in self.notes.iter_mut().filter(|(_, note)| note.slug.is_none()) {
            note.start = files::read(&self.workshop.root.join(name))?.as_deref().map(stamp);
        }
        if self.notes.is_empty() { Ok(()) } else { self.write_notes() }
    }

    /// The name of the folder with the copies, if there are any.
    pub(crate) fn name(&self) -> Option<String> {
        let name = self.folder.file_name()?.to_string_lossy().into_owned();
        (!self.notes.is_empty()).then_some(name)
    }

    /// Says where the copies are, if there are any.
    pub(crate) fn finish(self) {
        if let Some(name) = self.name() {
            let files = if self.notes.len() == 1 { "the file" } else { "the files" };
            say(&format!("Saved      {files} as before: {}", self.workshop.shown(&self.folder)));
            say(&format!("           back again: cargo workshop restore {name}"));
        }
    }
}

impl Note {
    fn of(workshop: &Workshop, path: &Path) -> Self {
        let is_its = |exercise: &&Exercise| workshop.file_of(exercise) == path;
        let Some(exercise) = workshop.exercises().iter().find(is_its) else { return Self::default() };
        // A start that cannot be told is no reason to save less.
        let start = Piece::of(workshop, exercise).ok().map(|piece| stamp(&piece.starter));
        Self { slug: Some(exercise.slug.clone()), start }
    }
}

/// `cargo workshop restore`: what was saved, or a folder of it back in its place, or the newest copy of an exercise's file.
pub(crate) fn restore(workshop: &Workshop, what: Option<&str>) -> Result<ExitCode> {
    let folders = folders(workshop)?;
    let Some(what) = what else {
        list(workshop, &folders)?;
        return Ok(ExitCode::SUCCESS);
    };
    // With or without the way there, which a shell may have completed.
    let name = what.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default();
    if let Some(folder) = folders.iter().find(|folder| folder.file_name().is_some_and(|it| it == name)) {
        bring_back(workshop, folder, |_| true)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Ok(exercise) = workshop.exercise(what) else {
        return Err(
            Usage(format!("nothing is saved as {what}; what there is: cargo workshop restore")).into()
        );
    };
    let is_its =
        |note: &Note| note.slug.as_deref().is_some_and(|slug| exercise.slugs().any(|its| its == slug));
    match folders.iter().find(|folder| notes(folder).values().any(is_its)) {
        Some(folder) => bring_back(workshop, folder, is_its)?,
        None => return Err(Usage(format!("no copy of {} is saved", exercise.name())).into()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Brings those copies of a folder back whose note is `wanted`. What stands in their place is saved first, unless it is what
/// the workshop had there.
fn bring_back(workshop: &Workshop, folder: &Path, wanted: impl Fn(&Note) -> bool) -> Result<()> {
    let notes = notes(folder);
    let mut replacing = Replacing::new(workshop, "restore");
    for name in files::below(folder)? {
        let copy = folder.join(&name);
        let name = slashed(&name);
        let note = notes.get(&name).cloned().unwrap_or_default();
        if name == NOTES || !wanted(&note) {
            continue;
        }
        let kept = workshop.shown(&copy);
        let exercise = note
            .slug
            .as_deref()
            .map(|slug| workshop.exercises().iter().find(|exercise| exercise.slugs().any(|its| its == slug)));
        let path = match exercise {
            Some(None) => {
                say(&format!("Left out   {name}: there is no such exercise any more; yours stays {kept}"));
                continue;
            }
            Some(Some(exercise)) => workshop.file_of(exercise),
            None => workshop.root.join(&name),
        };
        let now = files::read(&path)?;
        let is_as_it_was = now.as_deref().map(stamp) == note.start;
        if exercise.is_none() && note.start.is_some() && !is_as_it_was {
            say(&format!("Left out   {name}: the workshop changed it too; yours stays {kept}"));
            continue;
        }
        if !is_as_it_was {
            replacing.save(&path)?;
        }
        let bytes = fs::read(&copy).with_context(|| format!("cannot read {}", copy.display()))?;
        files::write(&path, bytes)?;
        let shown = workshop.shown(&path);
        let moved =
            if slashed(Path::new(&shown)) == name { String::new() } else { format!(", where {name} moved") };
        say(&format!("Back       {shown}{moved}"));
        if let Some(Some(exercise)) = exercise {
            progress::change(workshop, exercise, |progress| progress.solved = false)?;
            let start = stamp(&Piece::of(workshop, exercise)?.starter);
            if note.start.is_some_and(|before| before != start) {
                let number = &exercise.number;
                say(&format!(
                    "           its start is another now: cargo workshop verify {number}, and diff {number}"
                ));
            }
        }
    }
    replacing.finish();
    Ok(())
}

fn list(workshop: &Workshop, folders: &[PathBuf]) -> Result<()> {
    if folders.is_empty() {
        say("Nothing is saved yet.");
        return Ok(());
    }
    for folder in folders.iter().rev() {
        say(&folder.file_name().unwrap_or_default().to_string_lossy());
        for name in files::below(folder)?.into_iter().map(|name| slashed(&name)).filter(|name| name != NOTES)
        {
            say(&format!("    {name}"));
        }
    }
    say(&format!(
        "All of it is in {}. Back with one of these names, or with an exercise:",
        workshop.shown(&all(workshop))
    ));
    say("    cargo workshop restore NAME");
    Ok(())
}

fn all(workshop: &Workshop) -> PathBuf {
    workshop.own_folder().join("saved")
}

/// The folders with copies, the newest first.
fn folders(workshop: &Workshop) -> Result<Vec<PathBuf>> {
    let mut folders: Vec<_> = match fs::read_dir(all(workshop)) {
        Ok(entries) => {
            entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect()
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).context("cannot list what is saved"),
    };
    folders.sort();
    folders.reverse();
    Ok(folders)
}

/// The notes of a folder; copies without any go back to where they came from.
fn notes(folder: &Path) -> Notes {
    let text = files::read(&folder.join(NOTES)).ok().flatten().unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
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
