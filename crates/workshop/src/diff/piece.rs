//! The learner's file against the solution.

use std::process::ExitCode;

use anyhow::Result;

use crate::{
    list::Exercise,
    output::{say, style},
    patch,
    piece::Piece,
    workshop::Workshop,
};

/// Of one exercise (`01.1`), or of all of a step (`1`).
pub(crate) fn diff(workshop: &Workshop, number: &str) -> Result<ExitCode> {
    let step =
        number.parse().ok().filter(|&number| number > 0).map(|number| workshop.step(number)).transpose()?;
    let exercises: Vec<&Exercise> = match step {
        Some(step) => workshop.exercises_of(step).collect(),
        None => vec![workshop.exercise(number)?],
    };
    for exercise in exercises {
        let piece = Piece::of(workshop, exercise)?;
        let mine = piece.mine.unwrap_or_default();
        let names = (format!("{}, yours", exercise.number), format!("{}, ours", exercise.number));
        if mine == piece.solved {
            // Not on standard output: a diff of two equal files is empty.
            eprintln!("{}: yours is ours, word for word", exercise.number);
        }
        for line in patch::diff(&names.0, &mine, &names.1, &piece.solved).lines() {
            say(&coloured(line));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A line of a diff, as a person reads it.
pub(super) fn coloured(line: &str) -> String {
    match line.chars().next() {
        Some('-') => style::red(line),
        Some('+') => style::green(line),
        Some('@') => style::dim(line),
        _ => line.to_owned(),
    }
}
