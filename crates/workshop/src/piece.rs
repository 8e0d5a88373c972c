//! The one file of an exercise: what the learner has, what it was at the start, what it is when finished.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{
    files,
    list::{Exercise, Step},
    region::Source,
    workshop::Workshop,
};

/// An exercise's file.
pub(crate) struct Piece {
    /// The learner's.
    pub(crate) path: PathBuf,
    /// The learner's text; `None` when the file is gone.
    pub(crate) mine: Option<String>,
    /// What it was at the start.
    pub(crate) starter: String,
    /// What it is when finished.
    pub(crate) solved: String,
}

impl Piece {
    /// Reads the learner's file and the solution.
    pub(crate) fn of(workshop: &Workshop, exercise: &Exercise) -> Result<Self> {
        let step = workshop.step_of(exercise);
        let solution = workshop.solutions(step).join(&exercise.file);
        let text = files::read(&solution)?
            .with_context(|| format!("{} is gone; fetch the workshop again", workshop.shown(&solution)))?;
        let source = Source::parse(&text)
            .with_context(|| format!("{} has wrong regions", workshop.shown(&solution)))?;
        let path = workshop.file_of(exercise);
        let (starter, solved) = (as_exercise(step, &source.starter), as_exercise(step, &source.solved));
        Ok(Self { mine: files::read(&path)?, path, starter, solved })
    }
}

/// A solution's text as it stands in the exercise's crate.
pub(crate) fn as_exercise(step: &Step, text: &str) -> String {
    let number = &step.number;
    text.replace(&format!("solution-{number}"), &format!("exercise-{number}"))
        .replace(&format!("solution_{number}"), &format!("exercise_{number}"))
}

/// Tells whether a text is still the one that it was, in files of ours.
pub(crate) fn stamp(text: &str) -> String {
    format!("{:016x}", fingerprint(text))
}

/// FNV-1a, 64 bits. The standard library's hasher may give another number after an update of Rust.
fn fingerprint(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_is_the_published_one() {
        // http://www.isthe.com/chongo/tech/comp/fnv/
        assert_eq!(fingerprint(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fingerprint("foobar"), 0x8594_4171_f739_67e8);
    }
}
