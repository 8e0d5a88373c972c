//! The process that moves: how far it is, what it is told, and that it is started again when somebody kills it.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use harness::{
    Manual, System,
    live::{LOOK, was_killed},
};
use serde::Deserialize;

/// How long it may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);
/// How long it may take to end by itself when all is done.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// What `status` prints: each module is a move of its own.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Status {
    pub(super) modules: Vec<Module>,
}

/// How far the move of one module is.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Module {
    pub(super) module: String,
    pub(super) stage: Stage,
    /// Rows that were copied in the present move, of so many.
    #[serde(default)]
    pub(super) copied: u64,
    #[serde(default)]
    pub(super) of: u64,
    /// Changes that the follower has not yet applied.
    #[serde(default)]
    pub(super) lag: u64,
    /// For how long nobody could write when people were last moved, in ms.
    #[serde(default)]
    pub(super) pause_ms: Option<f64>,
    /// For how long rows were being copied, in ms.
    #[serde(default)]
    pub(super) copying_ms: Option<f64>,
    /// Rows that differ.
    #[serde(default)]
    pub(super) differing: u64,
}

/// The stages of a move, in order, as far as they have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stage {
    Waiting,
    Copying,
    Comparing,
    /// Waits for a word of ours.
    Ready,
    Cutting,
    /// People work on the new database.
    Moved,
    Returning,
    /// People work on the old database, since somebody wanted so.
    Back,
    /// People work on the old database, since rows differ.
    Differs,
    /// There is no old database any more.
    Kept,
}

impl Status {
    /// Whether all modules are there.
    pub(super) fn all_are(&self, stage: Stage) -> bool {
        !self.modules.is_empty() && self.modules.iter().all(|module| module.stage == stage)
    }

    /// Whether nothing happens without a word of ours.
    pub(super) fn waits_for_approval(&self) -> bool {
        let is = |stage| self.modules.iter().any(|module| module.stage == stage);
        is(Stage::Ready)
            && ![Stage::Waiting, Stage::Copying, Stage::Comparing, Stage::Cutting].into_iter().any(is)
    }

    /// The names of the modules that are not there.
    pub(super) fn modules_not(&self, stage: Stage) -> Vec<&str> {
        let others = self.modules.iter().filter(|module| module.stage != stage);
        others.map(|module| module.module.as_str()).collect()
    }

    /// How long it took to copy: modules are copied side by side.
    pub(super) fn copied_in(&self) -> Option<Duration> {
        let longest = self.modules.iter().filter_map(|module| module.copying_ms).reduce(f64::max)?;
        Duration::try_from_secs_f64(longest / 1e3).ok()
    }

    /// Rows that were copied, and of how many.
    pub(super) fn rows(&self) -> (u64, u64) {
        (
            self.modules.iter().map(|module| module.copied).sum(),
            self.modules.iter().map(|module| module.of).sum(),
        )
    }

    /// Changes that the followers have not yet applied.
    pub(super) fn lag(&self) -> u64 {
        self.modules.iter().map(|module| module.lag).sum()
    }

    /// The pauses, in words.
    pub(super) fn pauses(&self) -> String {
        let pause = |module: &Module| Some(format!("{} {:.0} ms", module.module, module.pause_ms?));
        self.modules.iter().filter_map(pause).collect::<Vec<_>>().join(", ")
    }

    /// The longest pause, in ms.
    pub(super) fn longest_pause(&self) -> Option<f64> {
        self.modules.iter().filter_map(|module| module.pause_ms).reduce(f64::max)
    }
}

/// What somebody who looks after the mover finds.
pub(super) enum Tended {
    Works,
    /// It has its number now.
    Started(u32),
    /// By itself: it is done, or there is something that it cannot do.
    Ended {
        why: String,
    },
}

/// The mover of a running system.
pub(super) struct Mover<'a> {
    system: &'a System,
    name: &'a str,
    moving: Option<Manual>,
}

impl<'a> Mover<'a> {
    pub(super) fn new(system: &'a System, name: &'a str) -> Self {
        Self { system, name, moving: None }
    }

    /// How far it is.
    pub(super) fn status(&self) -> Result<Status> {
        let said = self.system.ask_manual(self.name, &["status"], ANSWERS_WITHIN)?;
        let line = said.lines().rev().find(|line| line.starts_with('{')).unwrap_or_default();
        serde_json::from_str(line)
            .with_context(|| format!("{} status is none that we understand: {said}", self.name))
    }

    /// `approve`, `back` or `keep`.
    pub(super) fn tell(&self, word: &str) -> Result<()> {
        self.system.ask_manual(self.name, &[word], ANSWERS_WITHIN)?;
        Ok(())
    }

    /// Sees that it runs, and starts it for `modules` where it does not, or where somebody has killed it.
    ///
    /// # Errors
    /// The operating system refuses to start it.
    pub(super) fn tend(&mut self, modules: &[&str]) -> Result<Tended> {
        match self.moving.as_mut().map(Manual::poll) {
            Some(None) => return Ok(Tended::Works),
            Some(Some(status)) if !was_killed(&status) => {
                let last = self.tail();
                let why =
                    format!("{} ended with {status} before it was done; its last lines:\n{last}", self.name);
                return Ok(Tended::Ended { why });
            }
            Some(Some(_)) | None => {}
        }
        let moving = self.system.start_manual(self.name, &["move", "--module", &modules.join(",")])?;
        let number = moving.id();
        self.moving = Some(moving);
        Ok(Tended::Started(number))
    }

    /// Waits for its end, since there is nothing left to do.
    pub(super) fn rest(&mut self) {
        let until = Instant::now() + ENDS_WITHIN;
        while let Some(moving) = &mut self.moving
            && moving.poll().is_none()
            && Instant::now() < until
        {
            thread::sleep(LOOK);
        }
        self.moving = None;
    }

    /// Its last lines.
    pub(super) fn tail(&self) -> String {
        self.moving.as_ref().map(Manual::tail).unwrap_or_default()
    }
}
