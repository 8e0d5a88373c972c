//! `solve`, `reset` and `catch-up`: our files in place of the learner's, which are saved first.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::{
    Usage, files,
    list::Step,
    output::say,
    piece::{Piece, as_exercise},
    progress::{self, Progress},
    region::Source,
    saved::Replacing,
    workshop::Workshop,
};

/// Takes the solution over.
pub(crate) fn solve(workshop: &Workshop, number: &str) -> Result<ExitCode> {
    let exercise = workshop.exercise(number)?;
    let piece = Piece::of(workshop, exercise)?;
    let mut replacing = Replacing::new(workshop, &format!("solve-{}", exercise.number));
    replacing.write(&piece.path, &piece.solved)?;
    replacing.finish();
    progress::change(workshop, exercise, Progress::solve)?;
    say(&format!("Solved     {}", workshop.shown(&piece.path)));
    say(&format!("Read it, then type    cargo workshop verify {}", exercise.number));
    Ok(ExitCode::SUCCESS)
}

/// Back to the start.
pub(crate) fn reset(workshop: &Workshop, number: &str) -> Result<ExitCode> {
    let exercise = workshop.exercise(number)?;
    let piece = Piece::of(workshop, exercise)?;
    let mut replacing = Replacing::new(workshop, &format!("reset-{}", exercise.number));
    replacing.write(&piece.path, &piece.starter)?;
    frame(workshop, workshop.step_of(exercise), &mut replacing)?;
    replacing.finish();
    progress::change(workshop, exercise, |progress| *progress = Progress::default())?;
    say(&format!("As at the start: {}", workshop.shown(&piece.path)));
    Ok(ExitCode::SUCCESS)
}

/// Solves everything before step `number`, whatever state the tree is in: a room goes on together.
pub(crate) fn catch_up(workshop: &Workshop, number: u8) -> Result<ExitCode> {
    let last = workshop.steps().iter().filter_map(|step| step.number.parse::<u8>().ok()).max().unwrap_or(0);
    if number > last + 1 {
        bail!(Usage(format!("there is no step {number:02}; the last is {last:02}")));
    }
    let wanted = format!("{number:02}");
    let mut replacing = Replacing::new(workshop, &format!("catch-up-{wanted}"));
    let (mut kept, mut solved) = (0, 0);
    for exercise in workshop.exercises().iter().filter(|exercise| exercise.step < wanted) {
        let piece = Piece::of(workshop, exercise)?;
        if progress::of(workshop, exercise).has_passed(&piece) {
            kept += 1;
            continue;
        }
        replacing.write(&piece.path, &piece.solved)?;
        progress::change(workshop, exercise, Progress::solve)?;
        solved += 1;
    }
    for step in workshop.steps().iter().filter(|step| step.number < wanted) {
        frame(workshop, step, &mut replacing)?;
    }
    replacing.finish();
    match kept + solved {
        0 => say(&format!("Nothing to catch up with: step {wanted} has no exercises before it.")),
        all => {
            say(&format!("Caught up: the {all} exercises before step {wanted} are solved."));
            say(&format!("Yours      {kept}, which have passed and stay as they are"));
            say(&format!("Ours       {solved}"));
        }
    }
    say("Next, type    cargo workshop");
    Ok(ExitCode::SUCCESS)
}

/// Makes what surrounds the exercises of a step what it should be: manifest, lib.rs. The exercises' own files stay.
fn frame(workshop: &Workshop, step: &Step, replacing: &mut Replacing<'_>) -> Result<()> {
    let (solutions, mine) = (workshop.solutions(step), workshop.mine(step));
    for name in crate::author::sync::sources(workshop, step)? {
        if workshop.exercises_of(step).any(|exercise| solutions.join(&exercise.file) == solutions.join(&name))
        {
            continue;
        }
        if let Some(text) = files::read(&solutions.join(&name))? {
            replacing.write(&mine.join(&name), &as_exercise(step, &Source::parse(&text)?.starter))?;
        }
    }
    Ok(())
}
