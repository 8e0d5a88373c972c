//! `cargo workshop verify`: does it work? The first failure in the learner's words.

mod check;
mod outcome;

use std::{
    fs,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use harness::Stop;

use crate::{
    cli::VerifyOptions,
    coach,
    list::Exercise,
    output::{complain, say},
    piece::Piece,
    progress,
    workshop::Workshop,
};
pub(crate) use check::{Checked, NoBuild, Program, Verdict, Whose, build, check};

/// How many lines of one failure or compiler error are shown without `--full`.
const LINES: usize = 14;
/// And how many characters of a line: two values that are not equal may be two pages.
const COLUMNS: usize = 200;

pub(crate) fn verify(workshop: &Workshop, options: &VerifyOptions) -> Result<ExitCode> {
    let Some(exercise) = wanted(workshop, options.exercise.as_deref())? else {
        say("Every exercise is done. One of them again: cargo workshop verify NN.x");
        return Ok(ExitCode::SUCCESS);
    };
    let whose = if options.solution { Whose::Solution } else { Whose::Mine };
    let passed = once(workshop, exercise, whose, Duration::from_secs(options.limit), options.full)?;
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The exercise that was named, or the current one; `None` when all are done.
pub(crate) fn wanted<'a>(workshop: &'a Workshop, number: Option<&str>) -> Result<Option<&'a Exercise>> {
    match number {
        Some(number) => workshop.exercise(number).map(Some),
        None => Ok(progress::current(workshop)),
    }
}

/// Checks an exercise, says what came of it and notes it; whether it passed.
pub(crate) fn once(
    workshop: &Workshop,
    exercise: &Exercise,
    whose: Whose,
    limit: Duration,
    full: bool,
) -> Result<bool> {
    let piece = Piece::of(workshop, exercise)?;
    if whose == Whose::Mine && piece.mine.is_none() {
        complain(&format!("{} is gone", workshop.shown(&piece.path)));
        complain(&format!("It comes back with    cargo workshop reset {}", exercise.number));
        return Ok(false);
    }
    if whose == Whose::Mine
        && let Some(complaint) = no_text(&piece)?
    {
        say(&format!("{}: not yet", exercise.name()));
        say(&format!("  {} {complaint}", workshop.shown(&piece.path)));
        say(&format!("  As at the start again (yours is saved): cargo workshop reset {}", exercise.number));
        return Ok(false);
    }
    let start = Instant::now();
    let checked = check(workshop, exercise, whose, limit, &Stop::default())?;
    let seconds = start.elapsed().as_secs_f64();
    if full {
        say(checked.full.trim_end());
        say("");
    }
    let passed = checked.passed();
    let verdict = if passed { "passed" } else { "not yet" };
    let whose_it_is = if whose == Whose::Solution { ", the solution" } else { "" };
    say(&format!("{}{whose_it_is}: {verdict}   ({seconds:.1} s)", exercise.name()));
    if passed {
        praise(&checked);
        debrief(exercise);
    } else {
        explain(workshop, exercise, &piece, &checked, full);
    }
    // Only what was there before the build has passed: an edit since then has not.
    if whose == Whose::Mine && passed {
        progress::change(workshop, exercise, |progress| progress.pass(&piece))?;
        next(workshop, exercise);
    }
    Ok(passed)
}

/// What is wrong with a file that is no text, which the compiler would say of the file that names it.
fn no_text(piece: &Piece) -> Result<Option<String>> {
    let bytes = fs::read(&piece.path).with_context(|| format!("cannot read {}", piece.path.display()))?;
    let Err(error) = std::str::from_utf8(&bytes) else { return Ok(None) };
    let right = &bytes[..error.valid_up_to()];
    let line = 1 + right.iter().filter(|&&byte| byte == b'\n').count();
    let byte = bytes[error.valid_up_to()];
    let utf_16 = [[0xff, 0xfe], [0xfe, 0xff]].iter().any(|mark| bytes.starts_with(mark));
    let advice = if utf_16 { "It is UTF-16; save it as UTF-8" } else { "Let your editor save it as UTF-8" };
    Ok(Some(format!("is not UTF-8: line {line} has the byte 0x{byte:02x}. {advice}.")))
}

fn praise(checked: &Checked) {
    let Verdict::Ran(tests) = &checked.verdict else { return };
    for test in tests {
        say(&format!("  ok  {}", test.sentence()));
        for line in test.said.lines().filter_map(|line| line.strip_prefix("note: ")) {
            say(&format!("      {line}"));
        }
    }
}

/// What the exercise was about, and the answers to its questions.
fn debrief(exercise: &Exercise) {
    let Some(text) = &exercise.debrief else { return };
    say("");
    say("Debrief");
    for line in text.trim().lines() {
        say(format!("  {line}").trim_end());
    }
}

/// What to type after a success.
fn next(workshop: &Workshop, exercise: &Exercise) {
    say("");
    say(&format!("Compare    with ours: cargo workshop diff {}", exercise.number));
    match progress::current(workshop) {
        Some(next) => say(&format!("Next       {}, {}: cargo workshop", next.name(), next.takes())),
        None => {
            say("Next       nothing: every exercise is done");
            say(&format!("See it run: {}", coach::see_it_run(workshop.step_of(exercise))));
        }
    }
}

fn explain(workshop: &Workshop, exercise: &Exercise, piece: &Piece, checked: &Checked, full: bool) {
    let number = &exercise.number;
    let shown = |text: &str| if full { String::new() } else { indented(text) };
    match &checked.verdict {
        Verdict::NoBuild(NoBuild::Here(errors)) => {
            say("Your file does not compile. The compiler's first error:");
            say(&shown(errors.first().map(String::as_str).unwrap_or_default()));
            if errors.len() > 1 {
                say(&format!("  and {} more", errors.len() - 1));
            }
        }
        Verdict::NoBuild(NoBuild::Neighbour(file, error)) => {
            say(&format!("Not your fault: {file} does not compile, and it is in the same crate."));
            say(&shown(error));
            let its = workshop.root.join(file);
            let owner = workshop.exercises().iter().find(|other| workshop.file_of(other) == its);
            if let Some(owner) = owner {
                say(&format!(
                    "Mend it, or begin it anew (yours is saved): cargo workshop reset {}",
                    owner.number
                ));
            }
        }
        Verdict::NoBuild(NoBuild::Elsewhere(error)) => {
            say(
                "The workshop's own code does not fit together with your file. Has a name or a signature in it changed?",
            );
            say(&shown(error));
        }
        Verdict::NoBuild(NoBuild::Cargo(words)) => {
            say("Nothing is said of your file: the build itself gave up. In its words:");
            say(&shown(words));
            say("");
            if words.contains("exercises") {
                say(&format!("A manifest of an exercise comes back with: cargo workshop reset {number}"));
            }
            say("What this machine lacks, and the fix: cargo workshop doctor");
            return;
        }
        Verdict::TooLong(limit) => {
            say(&format!(
                "  It was still running after {limit:?} and was stopped. Is there a loop without an end?"
            ));
            say(&format!(
                "  On a slow machine: cargo workshop verify {number} --limit {}",
                3 * limit.as_secs()
            ));
        }
        Verdict::Died(status) => {
            say(&format!("  The tests died with {status} before they could say why. Their last words:"));
            let lines: Vec<_> = checked.full.trim_end().lines().collect();
            say(&shown(&lines[lines.len().saturating_sub(LINES)..].join("\n")));
        }
        Verdict::Ran(tests) => {
            let mut failed = tests.iter().filter(|test| !test.passed);
            if let Some(first) = failed.next() {
                say(&format!("  no  {}", first.sentence()));
                say(&shown(&first.said));
            }
            for other in failed {
                say(&format!("  no  {}", other.sentence()));
            }
        }
    }
    say("");
    say(&format!("Look at    {}", workshop.shown(&piece.path)));
    say(&format!("Stuck?     cargo workshop hint {number}"));
    if !full {
        say(&format!("All of it  cargo workshop verify {number} --full"));
    }
}

/// At most [`LINES`] lines, indented.
fn indented(text: &str) -> String {
    let lines: Vec<_> = text.trim_end().lines().collect();
    let mut shown: Vec<_> = lines
        .iter()
        .take(LINES)
        .map(|line| format!("      {}", shortened(line)).trim_end().to_owned())
        .collect();
    if lines.len() > LINES {
        shown.push(format!("      … and {} lines more", lines.len() - LINES));
    }
    shown.join("\n")
}

/// At most [`COLUMNS`] characters.
fn shortened(line: &str) -> String {
    match line.char_indices().nth(COLUMNS) {
        Some((end, _)) => format!("{} …", &line[..end]),
        None => line.to_owned(),
    }
}
