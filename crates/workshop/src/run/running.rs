//! What a run leaves for our other commands: where its processes are, and the token that services show each other.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use harness::System;
use serde::{Deserialize, Serialize};

use super::Lock;
use crate::{files, list::Step, workshop::Workshop};

/// The variable by which a process has routes for other services, and not for people.
const HAS_INTERNAL_ROUTES: &str = "SERVICE_TOKEN";

/// A run, for as long as it lasts.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Running {
    /// What services show each other.
    pub(crate) service_token: String,
    /// Those that have internal routes: where each listens.
    pub(crate) services: BTreeMap<String, String>,
}

impl Running {
    /// What there is to know of `system`.
    pub(super) fn of(system: &System, service_token: &str) -> Self {
        let processes = system.definition().processes.iter();
        let services = processes
            .filter(|process| process.settings().any(|name| name == HAS_INTERNAL_ROUTES))
            .filter_map(|process| Some((process.name.clone(), system.url(&process.name).ok()?.to_owned())))
            .collect();
        Self { service_token: service_token.to_owned(), services }
    }

    /// Leaves it in a run's folder, for the owner's eyes, until what is returned is dropped.
    pub(super) fn leave(&self, own: &Path) -> Result<Left> {
        let path = file_in(own);
        files::write_private(&path, serde_json::to_string(self)?)?;
        Ok(Left(path))
    }

    /// Those of all runs that last, with their steps; the latest step first.
    pub(crate) fn all(workshop: &Workshop) -> Vec<(&Step, Self)> {
        let run = |step: &Step| {
            let own = workshop.own_folder().join("run").join(&step.number);
            // A run that was killed leaves its file, but not its lock.
            Lock::holder(&own.join("lock"))?;
            serde_json::from_str(&files::read(&file_in(&own)).ok()??).ok()
        };
        workshop.steps().iter().rev().filter_map(|step| Some((step, run(step)?))).collect()
    }
}

/// The file that was left. Dropped, it goes.
pub(super) struct Left(PathBuf);

impl Drop for Left {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn file_in(own: &Path) -> PathBuf {
    own.join("running.json")
}
