//! `cargo workshop author`: for those who write steps.

mod links;
mod new;
mod prove;
pub(crate) mod sync;

use std::process::ExitCode;

use anyhow::Result;

use crate::{cli::Author, output::say, workshop::Workshop};

pub(crate) fn author(workshop: &Workshop, command: &Author) -> Result<ExitCode> {
    match command {
        Author::Sync { check: false } => {
            let changed = sync::sync(workshop)?;
            say(&format!("{changed} files changed"));
            Ok(ExitCode::SUCCESS)
        }
        Author::Sync { check: true } => {
            let mut stale = Vec::new();
            for step in workshop.steps() {
                stale.extend(sync::stale(workshop, step)?);
            }
            for (path, _) in &stale {
                say(&format!("stale: {}; run cargo workshop author sync", workshop.shown(path)));
            }
            Ok(if stale.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Author::Prove { exercise } => prove::prove(workshop, exercise.as_deref()),
        Author::New { number, slug, title } => new::new(workshop, *number, slug, title),
    }
}
