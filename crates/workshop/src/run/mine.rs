//! `run --mine`: the learner's files, as far as they verify.

use anyhow::Result;

use crate::{list::Step, output::say, piece::Piece, progress, workshop::Workshop};

/// The features that take the files that have passed and were not changed since, those of earlier steps too: their code is
/// part of a later one. Says which, and what of this step is left out.
pub(super) fn features(workshop: &Workshop, step: &Step) -> Result<Vec<String>> {
    let mut features = Vec::new();
    for exercise in workshop.exercises().iter().filter(|exercise| exercise.step <= step.number) {
        let piece = Piece::of(workshop, exercise)?;
        if progress::of(workshop, exercise).has_passed(&piece) {
            say(&format!("Yours      {}", exercise.name()));
            let folder = workshop.step_of(exercise).folder();
            features.push(format!("step-{folder}/{}", exercise.feature()));
        } else if exercise.step == step.number {
            let number = &exercise.number;
            say(&format!("Ours       {}; for yours: cargo workshop verify {number}", exercise.name()));
        }
    }
    Ok(features)
}
