//! How far somebody is: `.workshop/progress/SLUG.toml`, one small text file an exercise.
//!
//! By slug, so that it survives a renumbering. Written beside and renamed under a lock, so that two terminals lose nothing
//! of each other.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{
    files,
    list::Exercise,
    piece::{Piece, stamp},
    track,
    workshop::Workshop,
};

/// What is known about one exercise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Progress {
    /// How many hints were shown.
    pub(crate) hints: usize,
    /// [`stamp`] of the learner's file when it last passed.
    pub(crate) verified: Option<String>,
    /// The solution was taken over: by `solve` or by `catch-up`.
    pub(crate) solved: bool,
}

impl Progress {
    /// Whether it is behind us, by our own hand or not.
    pub(crate) fn is_done(&self) -> bool {
        self.verified.is_some() || self.solved
    }

    /// Whether the file as it is now has passed.
    pub(crate) fn has_passed(&self, piece: &Piece) -> bool {
        let now = piece.mine.as_deref().map(stamp);
        now.is_some() && now == self.verified
    }

    fn to_toml(&self, exercise: &Exercise) -> String {
        let Self { hints, verified, solved } = self;
        let verified = verified.as_ref().map(|stamp| format!("verified = \"{stamp}\"\n")).unwrap_or_default();
        format!("# {}\nhints = {hints}\n{verified}solved = {solved}\n", exercise.name())
    }

    /// Notes that the file passed. Our solution stays ours, for as long as nothing in it was changed.
    pub(crate) fn pass(&mut self, piece: &Piece) {
        self.verified = piece.mine.as_deref().map(stamp);
        self.solved &= piece.mine.as_ref() == Some(&piece.solved);
    }

    /// Notes that our solution has taken the file's place.
    pub(crate) fn solve(&mut self) {
        self.verified = None;
        self.solved = true;
    }
}

fn path(workshop: &Workshop, slug: &str) -> PathBuf {
    workshop.own_folder().join("progress").join(format!("{slug}.toml"))
}

/// What is known, under a slug of before too. A file that cannot be read counts as none: progress is never a reason to stop.
pub(crate) fn of(workshop: &Workshop, exercise: &Exercise) -> Progress {
    let text = exercise.slugs().find_map(|slug| files::read(&path(workshop, slug)).ok().flatten());
    toml::from_str(&text.unwrap_or_default()).unwrap_or_default()
}

/// Changes what is known, while no other terminal does.
pub(crate) fn change(
    workshop: &Workshop,
    exercise: &Exercise,
    change: impl FnOnce(&mut Progress),
) -> Result<Progress> {
    let path = path(workshop, &exercise.slug);
    let lock = path.with_file_name("lock");
    let locked = path.parent().map_or(Ok(()), files::create_private_folder).and_then(|()| {
        let mut options = fs::File::options();
        let file = files::private(options.create(true).truncate(false).write(true)).open(&lock)?;
        // Held for the time of one small file: whoever waits, waits for milliseconds.
        file.lock().map(|()| file)
    });
    let _held = locked.with_context(|| format!("cannot write {}", workshop.shown(&lock)))?;
    let mut progress = of(workshop, exercise);
    change(&mut progress);
    files::write_private(&path, progress.to_toml(exercise))?;
    Ok(progress)
}

/// The first exercise that is not done, of the track where one was chosen.
pub(crate) fn current(workshop: &Workshop) -> Option<&Exercise> {
    track::way(workshop).into_iter().find(|exercise| !of(workshop, exercise).is_done())
}

/// Whether anything at all is known.
pub(crate) fn has_begun(workshop: &Workshop) -> bool {
    workshop.exercises().iter().any(|exercise| of(workshop, exercise) != Progress::default())
}
