//! `run --mine`: the learner's files, as far as they verify.

use anyhow::Result;

use crate::{list::Step, piece::Piece, progress, say::say, workshop::Workshop};

/// The features that take the files that have passed and were not changed since; says which, and what is left out.
pub(super) fn features(workshop: &Workshop, step: &Step) -> Result<Vec<String>> {
    let mut features = Vec::new();
    for exercise in workshop.exercises_of(step) {
        let piece = Piece::of(workshop, exercise)?;
        if progress::of(workshop, exercise).has_passed(&piece) {
            say(&format!("Yours      {}", exercise.name()));
            features.push(format!("step-{}/{}", step.folder(), exercise.feature()));
        } else {
            let number = &exercise.number;
            say(&format!("Ours       {}; for yours: cargo workshop verify {number}", exercise.name()));
        }
    }
    Ok(features)
}
