//! `cargo workshop agenda`: a track as a timetable.

use std::process::ExitCode;

use anyhow::Result;

use crate::{Usage, say::say, workshop::Workshop};

pub(crate) fn agenda(workshop: &Workshop, key: &str) -> Result<ExitCode> {
    let track = workshop.tracks().iter().find(|track| track.key == key).ok_or_else(|| {
        let keys: Vec<_> = workshop.tracks().iter().map(|track| track.key.as_str()).collect();
        Usage(format!("there is no track {key}; there are: {}", keys.join(", ")))
    })?;
    let total: u16 = track.entry.iter().map(|entry| entry.minutes).sum();
    say(&format!("{}, {total} minutes", track.title));
    let mut at = 0;
    for entry in &track.entry {
        let is_there = |number: &String| workshop.exercise(number).is_ok();
        let to_come = if entry.exercises.iter().all(is_there) { "" } else { "   (to come)" };
        say(&format!("{:2}:{:02} {:4}  {}{to_come}", at / 60, at % 60, entry.minutes, entry.what));
        at += entry.minutes;
    }
    if let Some(cut) = &track.cut {
        say(&format!("Late? {cut}"));
    }
    Ok(ExitCode::SUCCESS)
}
