//! `cargo workshop agenda`: a track as a timetable.

use std::process::ExitCode;

use anyhow::Result;

use crate::{files, list::Track, output::say, track, workshop::Workshop};

pub(crate) fn agenda(workshop: &Workshop, key: Option<&str>) -> Result<ExitCode> {
    let track = match key {
        Some(key) => Some(track::named(workshop, key)?),
        None => track::chosen(workshop),
    };
    let Some(track) = track else {
        for track in workshop.tracks() {
            say(&format!("cargo workshop agenda --track {:<12} {}", track.key, track.title));
        }
        return Ok(ExitCode::SUCCESS);
    };
    say(text(workshop, track).trim_end());
    Ok(ExitCode::SUCCESS)
}

/// The timetable.
fn text(workshop: &Workshop, track: &Track) -> String {
    let total: u16 = track.entry.iter().map(|entry| entry.minutes).sum();
    let mut text = format!("{}, {total} minutes\n", track.title);
    let mut at = 0;
    for entry in &track.entry {
        let missing: Vec<&str> = entry
            .exercises
            .iter()
            .filter(|number| workshop.exercise(number).is_err())
            .map(String::as_str)
            .collect();
        let to_come =
            if missing.is_empty() { String::new() } else { format!("   ({} to come)", missing.join(", ")) };
        text.push_str(&format!(
            "{:2}:{:02} {:4}  {}{to_come}\n",
            at / 60,
            at % 60,
            entry.minutes,
            entry.what
        ));
        at += entry.minutes;
    }
    if let Some(cut) = &track.cut {
        text.push_str(&format!("Late? {cut}\n"));
    }
    text
}

/// The tracks that the README at the root shows otherwise than they are now, as sentences.
pub(crate) fn problems(workshop: &Workshop) -> Result<Vec<String>> {
    let readme = files::read(&workshop.root.join("README.md"))?.unwrap_or_default();
    let shown = workshop.tracks().iter().filter(|track| readme.contains(&track.title));
    let stale = shown.filter(|track| !readme.contains(&text(workshop, track)));
    Ok(stale
        .map(|track| format!("README.md is stale: cargo workshop agenda --track {}", track.key))
        .collect())
}
