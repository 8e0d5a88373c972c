//! `cargo workshop hint`: the next of three.

use std::process::ExitCode;

use anyhow::Result;

use crate::{output::say, progress, verify, workshop::Workshop};

pub(crate) fn hint(workshop: &Workshop, number: Option<&str>) -> Result<ExitCode> {
    let Some(exercise) = verify::wanted(workshop, number)? else {
        say("Every exercise is done. A hint for one of them: cargo workshop hint NN.x");
        return Ok(ExitCode::SUCCESS);
    };
    let all = exercise.hints.len();
    let progress =
        progress::change(workshop, exercise, |progress| progress.hints = (progress.hints + 1).min(all))?;
    say(&format!("{}: hints so far", exercise.name()));
    for (number, hint) in (1..=progress.hints).zip(&exercise.hints) {
        say(&format!("  {number} of {all}  {hint}"));
    }
    if progress.hints == all {
        say(&format!("That was the last. Ours beside yours: cargo workshop diff {}", exercise.number));
    } else {
        say(&format!("One more: cargo workshop hint {}", exercise.number));
    }
    Ok(ExitCode::SUCCESS)
}
