//! Where you are, and what to type next.

use std::process::ExitCode;

use crate::{say::say, workshop::Workshop};

/// `cargo workshop` without a word.
pub(crate) fn next(workshop: &Workshop) -> ExitCode {
    let Some(step) = workshop.steps().first() else { return ExitCode::SUCCESS };
    let number = step.number.trim_start_matches('0');
    say(&format!("Part {}, step {}: {}", workshop.part(step).title, step.number, step.title));
    say(&format!("Next, type    cargo workshop run {number}"));
    say("Something amiss?  cargo workshop doctor    All commands:  cargo workshop --help");
    ExitCode::SUCCESS
}
