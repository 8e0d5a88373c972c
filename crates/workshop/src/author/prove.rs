//! `author prove`: starts fail as declared, wrong answers are refused with their message, solutions pass.

mod bench;
mod merged;

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::{
        Mutex, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use harness::Stop;

use self::bench::Bench;
use super::{links, sync};
use crate::{
    agenda, checklist, files,
    list::Exercise,
    output::{complain, say},
    verify::{self, Checked, Program, Whose},
    workshop::Workshop,
};

/// How long the tests of one exercise may run on one answer.
const LIMIT: Duration = Duration::from_secs(120);
/// How many wrong answers an exercise has at least, the starter apart.
const WRONG: usize = 5;
/// How many hints it has.
const HINTS: usize = 3;
/// How many steps are proved at once. One builds while the tests of others wait for something.
const AT_ONCE: usize = 3;

/// Proves `number`, or everything.
pub(crate) fn prove(workshop: &Workshop, number: Option<&str>) -> Result<ExitCode> {
    let begun = Instant::now();
    let stop = Stop::default();
    let heard = stop.clone();
    ctrlc::set_handler(move || heard.request()).context("cannot listen for Ctrl-C")?;
    let exercises: Vec<_> = match number {
        Some(number) => vec![workshop.exercise(number)?],
        None => workshop.exercises().iter().collect(),
    };
    let mut problems = on_paper(workshop)?;
    for exercise in &exercises {
        problems.extend(incomplete(workshop, exercise)?);
    }
    let proof = Proof {
        workshop,
        merger: merged::build(workshop, &stop)?,
        stop,
        cargo: Mutex::default(),
        machine: RwLock::default(),
        answers: AtomicUsize::default(),
        builds: AtomicUsize::default(),
        again: AtomicUsize::default(),
    };
    problems.extend(proof.of(&exercises)?);
    for problem in &problems {
        complain(problem);
    }
    say(&format!(
        "{} answers, {} builds, {} run again alone, {} s",
        proof.answers.into_inner(),
        proof.builds.into_inner(),
        proof.again.into_inner(),
        begun.elapsed().as_secs()
    ));
    say(&match problems.len() {
        0 => "proved".to_owned(),
        count => format!("{count} problems"),
    });
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What all exercises share while they are proved.
struct Proof<'a> {
    workshop: &'a Workshop,
    /// The program that merges answers, where it could be built.
    merger: Option<PathBuf>,
    stop: Stop,
    /// Held by whoever builds: a second cargo would only wait for the first one.
    cargo: Mutex<()>,
    /// Read by whoever builds or runs, written by whoever has to run alone.
    machine: RwLock<()>,
    answers: AtomicUsize,
    builds: AtomicUsize,
    /// How many answers were not as declared while others ran.
    again: AtomicUsize,
}

impl<'a> Proof<'a> {
    /// Proves the exercises, those of one step one after the other: they are built into the same programs. The problems.
    fn of(&self, exercises: &[&'a Exercise]) -> Result<Vec<String>> {
        let mut steps: Vec<Vec<&Exercise>> = Vec::new();
        for exercise in exercises {
            match steps.iter_mut().find(|step| step.iter().any(|other| other.step == exercise.step)) {
                Some(step) => step.push(exercise),
                None => steps.push(vec![exercise]),
            }
        }
        let steps = Mutex::new(steps.into_iter());
        let next = || steps.lock().unwrap_or_else(PoisonError::into_inner).next();
        let worker = || -> Result<Vec<String>> {
            let mut problems = Vec::new();
            while let Some(step) = next() {
                for exercise in step {
                    problems.extend(Bench::new(self, exercise)?.prove()?);
                }
            }
            Ok(problems)
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(worker)).collect();
            let mut problems = Vec::new();
            for worker in workers {
                problems.extend(worker.join().map_err(|_| anyhow!("a worker panicked"))??);
            }
            Ok(problems)
        })
    }

    /// Builds the tests of an exercise; what came of it where they do not compile.
    fn build(&self, exercise: &'a Exercise, whose: Whose) -> Result<Result<Program<'a>, Checked>> {
        let _one = self.cargo.lock().unwrap_or_else(PoisonError::into_inner);
        let _among_others = self.machine.read().unwrap_or_else(PoisonError::into_inner);
        self.builds.fetch_add(1, Ordering::Relaxed);
        verify::build(self.workshop, exercise, whose, &self.stop)
    }

    /// Runs the tests on one answer; what is wrong with that. What is wrong only while others build and run is not: bounds
    /// of time are for a machine that does nothing else.
    fn run(
        &self,
        program: &Program<'_>,
        answer: Option<usize>,
        problem: &dyn Fn(&Checked) -> Option<String>,
    ) -> Result<Option<String>> {
        self.answers.fetch_add(1, Ordering::Relaxed);
        let among_others = self.machine.read().unwrap_or_else(PoisonError::into_inner);
        let checked = program.run(answer, LIMIT, &self.stop)?;
        drop(among_others);
        self.go_on()?;
        if problem(&checked).is_none() {
            return Ok(None);
        }
        self.again.fetch_add(1, Ordering::Relaxed);
        let _alone = self.machine.write().unwrap_or_else(PoisonError::into_inner);
        let checked = program.run(answer, LIMIT, &self.stop)?;
        self.go_on()?;
        Ok(problem(&checked))
    }

    /// Fails when somebody has asked to stop.
    fn go_on(&self) -> Result<()> {
        if self.stop.requested() {
            bail!("stopped");
        }
        Ok(())
    }
}

/// What can be seen without running anything: stale files, dead links, checklists that verify nothing.
fn on_paper(workshop: &Workshop) -> Result<Vec<String>> {
    let mut problems = checklist::problems(workshop)?;
    problems.extend(agenda::problems(workshop)?);
    for step in workshop.steps() {
        for (path, _) in sync::stale(workshop, step)? {
            problems.push(format!("{} is stale: cargo workshop author sync", workshop.shown(&path)));
        }
        problems.extend(links::dead(workshop, &workshop.folder(step))?);
    }
    Ok(problems)
}

/// What an exercise lacks.
fn incomplete(workshop: &Workshop, exercise: &Exercise) -> Result<Vec<String>> {
    let wrong = wrong_answers(workshop, exercise)?.len();
    let complaints = [
        (exercise.hints.len() != HINTS, format!("has {} hints, not {HINTS}", exercise.hints.len())),
        (exercise.minutes == 0, "takes no minutes".to_owned()),
        (exercise.failing.is_empty(), "has no test that fails at the start".to_owned()),
        (wrong < WRONG, format!("has {wrong} wrong answers, not {WRONG}")),
    ];
    let name = exercise.name();
    Ok(complaints.into_iter().filter(|(is, _)| *is).map(|(_, what)| format!("{name} {what}")).collect())
}

/// The patches of an exercise.
fn wrong_answers(workshop: &Workshop, exercise: &Exercise) -> Result<Vec<PathBuf>> {
    let folder = workshop.solutions(workshop.step_of(exercise)).join("wrong");
    let prefix = format!("{}-", exercise.number);
    let mut names = files::below(&folder)?;
    names.retain(|name| name.to_string_lossy().starts_with(&prefix));
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}
