//! What a run leaves for our other commands: where its processes are, the token that services show each other, and how the
//! processes are started that wait for somebody to ask.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
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
    /// The manual processes.
    pub(crate) manual: BTreeMap<String, Manual>,
}

/// How a manual process is started.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Manual {
    program: PathBuf,
    args: Vec<String>,
    env: BTreeMap<String, String>,
    working_directory: Option<PathBuf>,
}

impl Manual {
    fn of(command: &Command) -> Self {
        let text = |text: &OsStr| text.to_string_lossy().into_owned();
        Self {
            program: command.get_program().into(),
            args: command.get_args().map(text).collect(),
            env: command.get_envs().filter_map(|(name, value)| Some((text(name), text(value?)))).collect(),
            working_directory: command.get_current_dir().map(Path::to_owned),
        }
    }

    /// The process, not yet started.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().envs(&self.env);
        if let Some(folder) = &self.working_directory {
            command.current_dir(folder);
        }
        command
    }
}

impl Running {
    /// What there is to know of `system`.
    pub(super) fn of(system: &System, service_token: &str) -> Self {
        let processes = system.definition().processes.iter();
        let services = processes
            .filter(|process| process.settings().any(|name| name == HAS_INTERNAL_ROUTES))
            .filter_map(|process| Some((process.name.clone(), system.url(&process.name).ok()?.to_owned())))
            .collect();
        let manual = system.definition().manual.iter().filter_map(|process| {
            Some((process.name.clone(), Manual::of(&system.command_of(&process.name, &[]).ok()?)))
        });
        Self { service_token: service_token.to_owned(), services, manual: manual.collect() }
    }

    /// Leaves it in a run's folder, for the owner's eyes, until what is returned is dropped.
    pub(super) fn leave(&self, own: &Path) -> Result<Left> {
        let path = file_in(own);
        files::write_private(&path, serde_json::to_string(self)?)?;
        Ok(Left(path))
    }

    /// The run that lasts, with its step; the latest step where there are more.
    pub(crate) fn find(workshop: &Workshop) -> Option<(&Step, Self)> {
        let run = |step: &Step| {
            let own = workshop.own_folder().join("run").join(&step.number);
            // A run that was killed leaves its file, but not its lock.
            Lock::holder(&own.join("lock"))?;
            serde_json::from_str(&files::read(&file_in(&own)).ok()??).ok()
        };
        workshop.steps().iter().rev().find_map(|step| Some((step, run(step)?)))
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
