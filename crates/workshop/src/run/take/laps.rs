//! The laps of a take-over: there, back, there again, and what is old is dropped. Before each, a person at a terminal is asked.

use std::{
    io::{self, IsTerminal},
    sync::mpsc::{self, Receiver, TryRecvError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use harness::{Stop, System, live::was_killed};

use super::{
    Lap, Take, forget,
    load::Load,
    mover::{Module, Mover, Stage, Status, Tended},
    show::{self, Column, Line, grouped},
};
use crate::output::{say, style};

/// How often we ask the mover how far it is.
const ASK: Duration = Duration::from_millis(250);
/// How long people work between two laps when nobody is asked.
const DWELL: Duration = Duration::from_secs(2);
/// How long a mover may stand still.
const STANDS_STILL: Duration = Duration::from_secs(120);

/// What leads to where.
struct Way {
    lap: Lap,
    title: &'static str,
    /// What a person is asked before.
    question: Option<&'static str>,
    /// What the mover is told.
    word: Option<&'static str>,
    goal: Stage,
}

const LAPS: &[Way] = &[
    Way { lap: Lap::There, title: "There", question: None, word: None, goal: Stage::Moved },
    Way {
        lap: Lap::Back,
        title: "Back",
        question: Some("Enter to go back to the old database"),
        word: Some("back"),
        goal: Stage::Back,
    },
    Way {
        lap: Lap::Again,
        title: "There again",
        question: Some("Enter to move once more"),
        word: None,
        goal: Stage::Moved,
    },
    Way {
        lap: Lap::Keep,
        title: "What is old goes",
        question: Some("Enter to drop what is old: there is no way back then"),
        word: Some("keep"),
        goal: Stage::Kept,
    },
];

/// Has the data of `take` moved while people work on `system`, and says what it was like.
///
/// # Errors
/// What the mover cannot do, rows that differ, writes that were lost, or somebody asked to stop: by the same command it goes on.
pub(super) fn drive(take: &mut Take<'_>, system: &System, token: &str, stop: &Stop) -> Result<()> {
    let load = Load::start(system.front(), token)?;
    let mover = take.declared.mover.clone().unwrap_or_default();
    let mut session = Session {
        system,
        stop,
        mover: Mover::new(system, &mover),
        load,
        line: Line::new(),
        asks: !take.at_once && io::stdin().is_terminal(),
        question: None,
        columns: Vec::new(),
    };
    for lap in LAPS {
        if take.lap > lap.lap {
            continue;
        }
        take.go_to(lap.lap)?;
        session.hold(lap)?;
        say(&format!("\n{}", style::bold(lap.title)));
        let column = session.lap(lap)?;
        if lap.lap != Lap::Keep {
            session.columns.push(column);
        }
    }
    forget(take.own)?;
    let Session { load, columns, .. } = session;
    let failure = columns.iter().find_map(|column| column.seen.first_failure.clone());
    let verdict = load.end()?;
    show::table(&columns, &verdict);
    if let Some(failure) = failure {
        say(&format!("The first request that failed: {failure}"));
    }
    if let Some(lost) = verdict.lost.first() {
        bail!("{} of {} writes were lost; the first: {lost}", verdict.lost.len(), verdict.writes);
    }
    if verdict.stale > 0 {
        bail!("{} reads did not show a write that was acknowledged before", verdict.stale);
    }
    if verdict.tasks.0 != verdict.tasks.1 {
        bail!("there were {} tasks, and now there are {}", verdict.tasks.0, verdict.tasks.1);
    }
    Ok(())
}

struct Session<'a> {
    system: &'a System,
    stop: &'a Stop,
    mover: Mover<'a>,
    load: Load,
    line: Line,
    /// Whether there is anybody to ask.
    asks: bool,
    question: Option<Receiver<()>>,
    columns: Vec<Column>,
}

impl Session<'_> {
    /// Goes on until the mover is where `way` leads.
    fn lap(&mut self, way: &Way) -> Result<Column> {
        let goal = way.goal;
        let begun = Instant::now();
        let mut status = self.mover.status()?;
        let (mut told, mut approved) = (way.word.is_none(), false);
        let mut changed = Instant::now();
        while !status.all_are(goal) {
            self.look()?;
            self.tend(&status, goal)?;
            if let Some(word) = way.word.filter(|_| !told) {
                self.mover.tell(word)?;
                told = true;
            }
            if status.waits_for_approval() && !approved {
                if self.answered("Enter to cut over") {
                    self.mover.tell("approve")?;
                    approved = true;
                }
                changed = Instant::now();
            }
            if changed.elapsed() > STANDS_STILL {
                let limit = STANDS_STILL.as_secs();
                bail!("nothing has moved for {limit} s; the last lines of the mover:\n{}", self.mover.tail());
            }
            thread::sleep(ASK);
            let now = self.mover.status()?;
            if now != status {
                (status, changed) = (now, Instant::now());
            }
            self.line.update(&status, &mut self.load.tally());
        }
        self.line.end();
        if matches!(goal, Stage::Back | Stage::Kept) {
            self.mover.rest();
        }
        Ok(self.close(way, &status, begun.elapsed()))
    }

    /// Sees that the mover works for those modules that are not there yet.
    fn tend(&mut self, status: &Status, goal: Stage) -> Result<()> {
        match self.mover.tend(&status.modules_not(goal))? {
            Tended::Works => Ok(()),
            Tended::Started(number) => {
                self.line.end();
                say(&format!("the mover is process {number}; kill it if you like: it goes on where it was"));
                Ok(())
            }
            // It may have been there when it ended, which we had not seen yet.
            Tended::Ended { why } => {
                let status = self.mover.status()?;
                if status.all_are(goal) {
                    return Ok(());
                }
                self.line.end();
                match status.modules.iter().find(|module| module.stage == Stage::Differs) {
                    Some(Module { module, differing, .. }) => {
                        bail!("{differing} rows of {module} differ, so people go on with the old database")
                    }
                    None => bail!("{why}"),
                }
            }
        }
    }

    /// What a lap was like, said and noted.
    fn close(&mut self, way: &Way, status: &Status, took: Duration) -> Column {
        let copied = status.rows().0;
        let waited = status.pauses();
        say(&match way.goal {
            Stage::Moved => format!("moved: {} rows were copied; writers waited: {waited}", grouped(copied)),
            Stage::Back => format!("back on the old database; writers waited: {waited}"),
            _ => "what was old is dropped".to_owned(),
        });
        Column {
            name: way.lap.word(),
            copied: (way.goal == Stage::Moved).then(|| (copied, status.copied_in().unwrap_or(took))),
            pause_ms: status.longest_pause(),
            seen: self.load.tally().take(),
        }
    }

    /// Lets people work until somebody says that it goes on.
    fn hold(&mut self, way: &Way) -> Result<()> {
        let Some(question) = way.question else { return Ok(()) };
        let begun = Instant::now();
        loop {
            self.look()?;
            let status = self.mover.status()?;
            // Where people have gone back, there is nothing to move: not all of it, when the command was killed in between.
            if !status.all_are(Stage::Back) {
                self.tend(&status, if way.goal == Stage::Back { Stage::Back } else { Stage::Kept })?;
            }
            if self.asks && self.answered(question) || !self.asks && begun.elapsed() >= DWELL {
                return Ok(());
            }
            thread::sleep(ASK);
        }
    }

    /// Whether somebody has answered; asked when they are not yet. Where nobody is to be asked, it is so.
    fn answered(&mut self, question: &str) -> bool {
        if !self.asks {
            return true;
        }
        let Some(heard) = &self.question else {
            self.line.end();
            say(&format!("\n{question} (Ctrl-C leaves everything where it is; the same command goes on)"));
            let (say_so, heard) = mpsc::channel();
            thread::spawn(move || {
                // Whether a line came or standard input was closed: it goes on.
                let _ = io::stdin().read_line(&mut String::new());
                let _ = say_so.send(());
            });
            self.question = Some(heard);
            return false;
        };
        let has = !matches!(heard.try_recv(), Err(TryRecvError::Empty));
        if has {
            self.question = None;
        }
        has
    }

    /// Whether it can go on: nobody has asked to stop, and the processes live.
    fn look(&mut self) -> Result<()> {
        if self.stop.requested() {
            self.line.end();
            bail!("stopped");
        }
        match self.system.ended() {
            None => Ok(()),
            Some(ended) if was_killed(&ended.status) => {
                self.line.end();
                say(&format!("{} was killed; it is started again", ended.name));
                Ok(self.system.start_again(&ended.name)?)
            }
            Some(ended) => {
                bail!("{} ended with {}; its last lines:\n{}", ended.name, ended.status, ended.log)
            }
        }
    }
}
