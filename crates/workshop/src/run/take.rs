//! `cargo workshop run NN --take MM`: the data of an earlier step is moved while people work: there, back, and there again.
//!
//! What is moved, and how, is the step's: its `system.toml` names the process that moves (`[take]`), and what its services are
//! told meanwhile (`{moving.database?}`). Here is what is the same for all: a copy of the databases of the earlier step's last
//! run, people who read and write ([`load`]), somebody who watches the mover and starts it again ([`mover`]), the laps with a
//! question between them ([`laps`]), and a table of what it was like ([`show`]).
//!
//! A step without a mover takes over by the copy alone, and by what its processes then tell once more.
//!
//! Whoever is killed in the middle goes on by the same command: how far it is stands in a file ([`Lap`]) and in the mover's own
//! databases.

mod laps;
mod load;
mod mover;
mod show;
mod tally;

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use harness::{Definition, Logs, Options, Stop, System, definition};

use super::{
    Lock, TOKEN,
    databases::{self, Database},
    typed,
};
use crate::{
    Usage,
    cli::RunOptions,
    files,
    list::Step,
    output::{complain, say},
    workshop::Workshop,
};

/// The file in a run's folder that says that its data is being taken over, and how far that is.
const MARKER: &str = "taking";
/// How long a process may take to tell everything once more.
const TELLS_WITHIN: Duration = Duration::from_secs(120);

/// How far a take-over is. Killed, it begins this lap again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lap {
    /// The copy of the databases.
    Copy,
    There,
    Back,
    Again,
    /// What is old is dropped.
    Keep,
}

impl Lap {
    const WORDS: [(Self, &str); 5] = [
        (Self::Copy, "copy"),
        (Self::There, "there"),
        (Self::Back, "back"),
        (Self::Again, "again"),
        (Self::Keep, "keep"),
    ];

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(lap, _)| *lap == self).map_or("copy", |(_, word)| word)
    }

    /// The lap that a run is in; `None` when it takes nothing over.
    fn of(own: &Path) -> Result<Option<Self>> {
        let Some(text) = files::read(&own.join(MARKER))? else { return Ok(None) };
        let known = Self::WORDS.iter().find(|(_, word)| *word == text.trim());
        known
            .map(|(lap, _)| Some(*lap))
            .with_context(|| format!("{} makes no sense", own.join(MARKER).display()))
    }

    fn write(self, own: &Path) -> Result<()> {
        files::write_private(&own.join(MARKER), self.word())
    }
}

/// Whether nothing is being taken over in a run's folder: who runs the step does not get half of it.
pub(super) fn is_over(own: &Path, definition: &Definition) -> Result<()> {
    let (Some(_), Some(take)) = (Lap::of(own)?, &definition.take) else { return Ok(()) };
    let number = |step: &str| step.trim_start_matches('0').to_owned();
    let (run, from) = (format!("cargo workshop run {}", number(&definition.step)), number(&take.from));
    bail!(
        "the data of step {} is being taken over; go on: {run} --take {from}, or begin anew: {run} --fresh",
        take.from
    )
}

/// Whoever begins anew is in no lap.
pub(super) fn forget(own: &Path) -> Result<()> {
    match fs::remove_file(own.join(MARKER)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).context("cannot begin anew"),
        _ => Ok(()),
    }
}

/// A take-over, checked.
pub(super) struct Take<'a> {
    /// The number of the step that takes over.
    step: String,
    from: &'a Step,
    declared: definition::Take,
    own: &'a Path,
    lap: Lap,
    /// Each database of the earlier step, with its copy.
    copies: Vec<(Database, Database)>,
    at_once: bool,
    /// What to type to go on.
    again: String,
}

impl<'a> Take<'a> {
    /// What is asked for, and whether it can be done. `databases` are those of the run, in its folder `own`.
    pub(super) fn plan(
        workshop: &'a Workshop,
        definition: &Definition,
        options: &RunOptions,
        own: &'a Path,
        databases: &[Database],
    ) -> Result<Option<Self>> {
        let Some(number) = options.take else { return Ok(None) };
        let from = workshop.step(number)?;
        let Some(declared) = &definition.take else {
            return Err(
                Usage(format!("step {} takes no data over from an earlier one", definition.step)).into()
            );
        };
        if declared.from != from.number {
            let (step, other) = (&definition.step, &declared.from);
            return Err(Usage(format!(
                "step {step} takes over the data of step {other}, not of {}",
                from.number
            ))
            .into());
        }
        let again = typed(options);
        let lap = if options.fresh { None } else { Lap::of(own)? };
        if lap.is_none()
            && !options.fresh
            && let Some(there) = databases.iter().find(|database| database.exists())
        {
            let there = workshop.shown(&there.file);
            bail!(
                "step {} has data of its own ({there}); to take step {number}'s in its place: {again} --fresh",
                definition.step
            );
        }
        let run = workshop.own_folder().join("run").join(&from.number);
        let folder = options.data.as_deref().unwrap_or(&run);
        let sources = databases::of(&Definition::load(&workshop.folder(from))?, folder);
        let also = declared.also.iter().filter_map(|(copy, name)| {
            let source = sources.iter().find(|source| source.placeholder == *name)?;
            Some((source.clone(), databases::of_name(copy, own)))
        });
        let also: Vec<_> = also.collect();
        let same = sources.into_iter().map(|source| (databases::of_name(&source.placeholder, own), source));
        let take = Self {
            step: definition.step.clone(),
            from,
            declared: declared.clone(),
            own,
            lap: lap.unwrap_or(Lap::Copy),
            copies: same.map(|(copy, source)| (source, copy)).chain(also).collect(),
            at_once: options.at_once,
            again,
        };
        if take.lap == Lap::Copy {
            take.check_sources(workshop, &run)?;
        }
        Ok(Some(take))
    }

    /// Whether there is something to copy, and nobody writes to it.
    fn check_sources(&self, workshop: &Workshop, run: &Path) -> Result<()> {
        let number = self.from.number.trim_start_matches('0');
        if let Some(by) = Lock::holder(&run.join("lock")) {
            bail!(
                "step {} is running ({by}); stop it first with Ctrl-C, then: {}",
                self.from.number,
                self.again
            );
        }
        for (source, copy) in &self.copies {
            let shown = workshop.shown(&source.file);
            if !source.exists() {
                bail!(
                    "there is no data of step {} ({shown}); make some: cargo workshop run {number}, and Ctrl-C when it says where \
                     Automator is",
                    self.from.number
                );
            }
            if fs::canonicalize(&source.file).ok() == fs::canonicalize(&copy.file).ok() {
                return Err(Usage(format!(
                    "{shown} is where the copy goes; name the folder that step {number} ran with"
                ))
                .into());
            }
            source.check(workshop, &format!("cargo workshop run {number} --fresh"))?;
        }
        Ok(())
    }

    /// Copies the databases, unless an earlier try has.
    pub(super) fn copy(&mut self, workshop: &Workshop) -> Result<()> {
        if self.lap != Lap::Copy {
            say(&format!("going on with the data of step {} where it was left", self.from.number));
            return Ok(());
        }
        // First: whoever is killed in the middle has half a copy, and should not take it for data.
        Lap::Copy.write(self.own)?;
        for (source, copy) in &self.copies {
            copy.copy_of(source)?;
        }
        self.go_to(Lap::There)?;
        let names: BTreeSet<_> = self.copies.iter().map(|(source, _)| workshop.shown(&source.file)).collect();
        say(&format!("copied {}", names.into_iter().collect::<Vec<_>>().join(", ")));
        Ok(())
    }

    /// Tells the processes where the data comes from; their logs go to files, so that there is something to see.
    pub(super) fn told(&self, mut options: Options) -> Result<Options> {
        if self.declared.mover.is_none() {
            return Ok(options);
        }
        for (_, copy) in &self.copies {
            options = options.value(&format!("moving.{}", copy.placeholder), copy.url());
        }
        let logs = self.logs();
        match fs::remove_dir_all(&logs) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", logs.display()));
            }
            _ => {}
        }
        Ok(options.logs(Logs::Folder(logs)))
    }

    /// Has said what is to be said once more, where nothing moves row by row; whether there is more to do.
    pub(super) fn tell(&mut self, system: &System) -> Result<bool> {
        for name in &self.declared.then {
            let said = system.ask_manual(name, &[], TELLS_WITHIN)?;
            say(&format!("{name}: {}", said.trim()));
        }
        if self.declared.mover.is_none() {
            forget(self.own)?;
        }
        Ok(self.declared.mover.is_some())
    }

    /// Whether rows move while people work.
    pub(super) fn moves(&self) -> bool {
        self.declared.mover.is_some()
    }

    /// Has the data moved while people work.
    pub(super) fn drive(&mut self, workshop: &Workshop, system: &System, stop: &Stop) -> Result<()> {
        let step = self.step.clone();
        say(&format!(
            "Automator is at {}, as step {step}; its data is still where step {} had it",
            system.front(),
            self.from.number
        ));
        say(&format!("Logs are in {}", workshop.shown(&self.logs())));
        laps::drive(self, system, TOKEN, stop).map_err(|error| {
            // At the end of all laps there is nothing to go on with.
            if Lap::of(self.own).ok().flatten().is_none() {
                return error;
            }
            let advice = format!("nothing is lost; go on: {}", self.again);
            if stop.requested() {
                complain(&advice);
            }
            anyhow::anyhow!("{error:#}\n{advice}")
        })?;
        say(&format!("\nNext: cargo workshop run {}", step.trim_start_matches('0')));
        Ok(())
    }

    fn logs(&self) -> PathBuf {
        self.own.join("logs")
    }

    fn go_to(&mut self, lap: Lap) -> Result<()> {
        self.lap = lap;
        lap.write(self.own)
    }
}
