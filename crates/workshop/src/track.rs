//! `cargo workshop track`: which way through the workshop somebody goes. Without one, all exercises in their order.

use std::{fs, io, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};

use crate::{
    Usage, coach, files,
    list::{Exercise, Track},
    output::say,
    workshop::Workshop,
};

/// What is typed for no track at all.
const ALL: &str = "all";

/// Chooses a track, or says which one is chosen and which there are.
pub(crate) fn track(workshop: &Workshop, key: Option<&str>) -> Result<ExitCode> {
    match key {
        Some(ALL) => match fs::remove_file(path(workshop)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).context("the track stays as it is");
            }
            _ => say("Track      none: all exercises, in their order"),
        },
        Some(key) => {
            let track = named(workshop, key)?;
            files::write_private(&path(workshop), format!("{key}\n"))?;
            say(&format!("Track      {}; hint, verify and watch follow it", track.title));
        }
        None => {
            let now = chosen(workshop);
            for track in workshop.tracks() {
                let mark = if now.is_some_and(|now| now.key == track.key) { "->" } else { "  " };
                say(&format!("{mark}  cargo workshop track {:<12} {}", track.key, track.title));
            }
            let mark = if now.is_none() { "->" } else { "  " };
            say(&format!("{mark}  cargo workshop track {ALL:<12} All exercises, in their order"));
            return Ok(ExitCode::SUCCESS);
        }
    }
    say("");
    Ok(coach::next(workshop))
}

/// The track of that key.
pub(crate) fn named<'a>(workshop: &'a Workshop, key: &str) -> Result<&'a Track> {
    workshop.tracks().iter().find(|track| track.key == key).ok_or_else(|| {
        let keys: Vec<_> = workshop.tracks().iter().map(|track| track.key.as_str()).collect();
        Usage(format!("there is no track {key}; there are: {}", keys.join(", "))).into()
    })
}

/// The track that was chosen. One that is no longer there counts as none.
pub(crate) fn chosen(workshop: &Workshop) -> Option<&Track> {
    let key = files::read(&path(workshop)).ok().flatten()?;
    named(workshop, key.trim()).ok()
}

/// The exercises of the chosen track, in its order; all where none is chosen.
pub(crate) fn way(workshop: &Workshop) -> Vec<&Exercise> {
    let Some(track) = chosen(workshop) else { return workshop.exercises().iter().collect() };
    let numbers = track.entry.iter().flat_map(|entry| &entry.exercises);
    // Those that are still to come are none yet.
    numbers.filter_map(|number| workshop.exercise(number).ok()).collect()
}

fn path(workshop: &Workshop) -> PathBuf {
    workshop.own_folder().join("track")
}
