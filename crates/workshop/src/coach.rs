//! Where you are, and what to type next.

use std::process::ExitCode;

use crate::{
    list::Exercise,
    output::{say, style},
    progress,
    workshop::Workshop,
};

/// `cargo workshop` without a word.
pub(crate) fn next(workshop: &Workshop) -> ExitCode {
    let current = progress::current(workshop);
    let Some(step) = current.map(|exercise| workshop.step_of(exercise)).or(workshop.steps().last()) else {
        return ExitCode::SUCCESS;
    };
    say(&format!("Part {}, step {}: {}", workshop.part(step).title, step.number, step.title));
    for exercise in workshop.exercises_of(step) {
        say(&row(workshop, exercise));
    }
    let number = step.number.trim_start_matches('0');
    say("");
    match current {
        None => {
            say(&format!("Every exercise is done. See yours run: cargo workshop run {number} --mine"));
        }
        Some(exercise) => {
            let file = workshop.mine(step).join(&exercise.file);
            if !progress::has_begun(workshop) {
                say(&format!("See it run first    cargo workshop run {number}"));
            }
            say(&format!("Read                {}", workshop.shown(&workshop.folder(step).join("README.md"))));
            say(&format!("Edit                {}", workshop.shown(&file)));
            let command = format!("cargo workshop verify {}", exercise.number);
            say(&format!("Next, type          {}", style::bold(&command)));
            say(&format!("Stuck?              cargo workshop hint {}", exercise.number));
        }
    }
    say("Something amiss?    cargo workshop doctor    All commands: cargo workshop --help");
    ExitCode::SUCCESS
}

/// `cargo workshop list`: all steps and exercises.
pub(crate) fn list(workshop: &Workshop) -> ExitCode {
    for part in workshop.parts() {
        let steps = workshop.steps().iter().filter(|step| step.part == part.key);
        for (index, step) in steps.enumerate() {
            if index == 0 {
                say(&style::bold(&part.title));
            }
            say(&format!("  {} {}", step.number, step.title));
            for exercise in workshop.exercises_of(step) {
                say(&row(workshop, exercise));
            }
        }
    }
    ExitCode::SUCCESS
}

/// An exercise and how far it is.
fn row(workshop: &Workshop, exercise: &Exercise) -> String {
    let known = progress::of(workshop, exercise);
    let is_current = progress::current(workshop).is_some_and(|current| current.slug == exercise.slug);
    let (mark, state) = match (&known.verified, known.solved, is_current) {
        (Some(_), _, _) => ("ok", "done".to_owned()),
        (None, true, _) => ("ok", "our solution".to_owned()),
        (None, false, true) => ("->", exercise.takes()),
        (None, false, false) => ("  ", exercise.takes()),
    };
    let row = format!("  {mark}  {:5} {:36} {state}", exercise.number, exercise.title);
    match mark {
        "ok" => style::green(&row),
        "->" => style::bold(&row),
        _ => row,
    }
}
