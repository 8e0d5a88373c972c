//! Where you are, and what to type next.

use std::process::ExitCode;

use crate::{
    list::{Exercise, Step},
    output::{say, style},
    progress, track,
    workshop::Workshop,
};

/// `cargo workshop` without a word.
pub(crate) fn next(workshop: &Workshop) -> ExitCode {
    let current = progress::current(workshop);
    let Some(step) = here(workshop) else { return ExitCode::SUCCESS };
    if let Some(track) = track::chosen(workshop) {
        say(&format!("Track: {}", track.title));
    }
    say(&format!("Part {}, step {}: {}", workshop.part(step).title, step.number, step.title));
    for exercise in workshop.exercises_of(step) {
        say(&row(workshop, exercise));
    }
    say("");
    match current {
        None => {
            let all = if track::chosen(workshop).is_some() {
                "Every exercise of the track"
            } else {
                "Every exercise"
            };
            say(&format!("{all} is done. See yours run: {}", see_it_run(step)));
        }
        Some(exercise) => {
            if !progress::has_begun(workshop) {
                say(&format!(
                    "See it run first    cargo workshop run {}",
                    step.number.trim_start_matches('0')
                ));
            }
            say(&format!("Read                {}", workshop.shown(&workshop.folder(step).join("README.md"))));
            say(&format!("Edit                {}", workshop.shown(&workshop.file_of(exercise))));
            let command = format!("cargo workshop verify {}", exercise.number);
            say(&format!("Next, type          {}", style::bold(&command)));
            say(&format!("Stuck?              cargo workshop hint {}", exercise.number));
        }
    }
    say("Something amiss?    cargo workshop doctor    All commands: cargo workshop --help");
    ExitCode::SUCCESS
}

/// The step that somebody is at: that of the current exercise, or of the last one when all are done.
pub(crate) fn here(workshop: &Workshop) -> Option<&Step> {
    let exercise = progress::current(workshop).or_else(|| track::way(workshop).last().copied());
    exercise.map(|exercise| workshop.step_of(exercise)).or(workshop.steps().last())
}

/// The command that runs a step with the learner's files.
pub(crate) fn see_it_run(step: &Step) -> String {
    format!("cargo workshop run {} --mine", step.number.trim_start_matches('0'))
}

/// `cargo workshop list`: all steps and exercises.
pub(crate) fn list(workshop: &Workshop) -> ExitCode {
    for part in workshop.parts() {
        let steps = workshop.steps().iter().filter(|step| step.part == part.key);
        for (index, step) in steps.enumerate() {
            if index == 0 {
                say(&style::bold(&part.title));
            }
            let you_are_here = if here(workshop).is_some_and(|here| here.number == step.number) {
                "   (you are here)"
            } else {
                ""
            };
            say(&format!("  {} {}{you_are_here}", step.number, step.title));
            for exercise in workshop.exercises_of(step) {
                say(&row(workshop, exercise));
            }
        }
    }
    if let Some(exercise) = progress::current(workshop) {
        say(&format!("\nNext, type  {}", style::bold(&format!("cargo workshop verify {}", exercise.number))));
    }
    ExitCode::SUCCESS
}

/// An exercise and how far it is.
fn row(workshop: &Workshop, exercise: &Exercise) -> String {
    let known = progress::of(workshop, exercise);
    let is_current = progress::current(workshop).is_some_and(|current| current.slug == exercise.slug);
    let (mark, state) = match (known.solved, &known.verified, is_current) {
        (true, _, _) => ("ok", "our solution".to_owned()),
        (false, Some(_), _) => ("ok", "done".to_owned()),
        (false, None, true) => ("->", exercise.takes()),
        (false, None, false) => ("  ", exercise.takes()),
    };
    let row = format!("  {mark}  {:5} {:36} {state}", exercise.number, exercise.title);
    match mark {
        "ok" => style::green(&row),
        "->" => style::bold(&row),
        _ => row,
    }
}
