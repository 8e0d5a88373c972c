//! `author prove`: starts fail as declared, wrong answers are refused with their message, solutions pass.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use harness::Stop;

use super::{links, sync};
use crate::{
    agenda, checklist, files,
    list::Exercise,
    output::{complain, say},
    patch,
    piece::Piece,
    saved::Replacing,
    verify::{Checked, NoBuild, Verdict, Whose, check},
    workshop::Workshop,
};

/// How long the tests of one exercise may run on one answer.
const LIMIT: Duration = Duration::from_secs(120);
/// How many wrong answers an exercise has at least, the starter apart.
const WRONG: usize = 5;
/// How many hints it has.
const HINTS: usize = 3;

/// Proves `number`, or everything.
pub(crate) fn prove(workshop: &Workshop, number: Option<&str>) -> Result<ExitCode> {
    let stop = Stop::default();
    let heard = stop.clone();
    ctrlc::set_handler(move || heard.request()).context("cannot listen for Ctrl-C")?;
    let exercises: Vec<_> = match number {
        Some(number) => vec![workshop.exercise(number)?],
        None => workshop.exercises().iter().collect(),
    };
    let mut problems = on_paper(workshop)?;
    for exercise in exercises {
        problems.extend(incomplete(workshop, exercise)?);
        problems.extend(Bench::new(workshop, exercise, &stop)?.prove()?);
    }
    for problem in &problems {
        complain(problem);
    }
    say(&match problems.len() {
        0 => "proved".to_owned(),
        count => format!("{count} problems"),
    });
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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

/// The exercise's file under test. Dropped, it has again what it had before.
struct Bench<'a> {
    workshop: &'a Workshop,
    exercise: &'a Exercise,
    piece: Piece,
    stop: &'a Stop,
}

impl<'a> Bench<'a> {
    fn new(workshop: &'a Workshop, exercise: &'a Exercise, stop: &'a Stop) -> Result<Self> {
        let piece = Piece::of(workshop, exercise)?;
        Ok(Self { workshop, exercise, piece, stop })
    }

    fn prove(self) -> Result<Vec<String>> {
        // Should we be killed before the drop, what was there is found again.
        let mut replacing = Replacing::new(self.workshop, &format!("prove-{}", self.exercise.number));
        replacing.write(&self.piece.path, &self.piece.starter)?;
        let mut problems = Vec::new();
        problems.extend(self.start()?);
        for path in wrong_answers(self.workshop, self.exercise)? {
            problems.extend(self.wrong(&path)?);
        }
        problems.extend(self.solution()?);
        Ok(problems.into_iter().map(|problem| format!("{}: {problem}", self.exercise.name())).collect())
    }

    fn check(&self, text: &str, whose: Whose) -> Result<Checked> {
        files::write(&self.piece.path, text)?;
        let checked = check(self.workshop, self.exercise, whose, LIMIT, self.stop)?;
        if self.stop.requested() {
            bail!("stopped");
        }
        Ok(checked)
    }

    /// Exactly the declared tests fail.
    fn start(&self) -> Result<Option<String>> {
        let checked = self.check(&self.piece.starter, Whose::Mine)?;
        let declared: BTreeSet<_> = self.exercise.failing.iter().map(String::as_str).collect();
        let problem = match &checked.verdict {
            Verdict::Ran(tests) => {
                let failed: BTreeSet<_> =
                    tests.iter().filter(|test| !test.passed).map(|test| test.name.as_str()).collect();
                (failed != declared).then(|| format!("at the start {failed:?} fail, not {declared:?}"))
            }
            _ => Some(format!("the start does not come to its tests: {}", said(&checked))),
        };
        self.report("start", problem.is_none());
        Ok(problem)
    }

    /// The tests refuse it, with the message that the patch declares.
    fn wrong(&self, path: &Path) -> Result<Option<String>> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let patch = fs::read_to_string(path)?.replace("\r\n", "\n");
        let Some(declared) = patch.lines().find_map(|line| line.strip_prefix("Refused with: ")) else {
            return Ok(Some(format!("{name} does not say what it is `Refused with: `")));
        };
        let answer = match patch::apply(&self.piece.solved, &patch) {
            Ok(answer) => answer,
            Err(reason) => return Ok(Some(format!("{name} cannot be applied to the solution: {reason}"))),
        };
        let checked = self.check(&answer, Whose::Mine)?;
        let problem = match &checked.verdict {
            Verdict::Ran(_) if checked.passed() => Some(format!("the wrong answer {name} passes")),
            Verdict::Ran(_) if said(&checked).contains(declared) => None,
            Verdict::Ran(_) => {
                Some(format!("{name} is not refused with {declared:?} but with:\n{}", said(&checked)))
            }
            _ => Some(format!("{name} does not come to its tests: {}", said(&checked))),
        };
        self.report(&name, problem.is_none());
        Ok(problem)
    }

    /// It passes in both crates, and the compiler has nothing to say of it.
    fn solution(&self) -> Result<Option<String>> {
        let as_mine = self.check(&self.piece.solved, Whose::Mine)?;
        let ours = self.check(&self.piece.solved, Whose::Solution)?;
        let warning = ours.warnings.iter().find(|warning| warning.contains("solutions/"));
        let problem = if let Some(checked) = [&as_mine, &ours].into_iter().find(|checked| !checked.passed()) {
            Some(format!("the solution does not pass: {}", said(checked)))
        } else {
            warning.map(|warning| format!("the compiler warns of the solution: {warning}"))
        };
        self.report("solution", problem.is_none());
        Ok(problem)
    }

    fn report(&self, what: &str, is_well: bool) {
        say(&format!("{}  {}  {what}", if is_well { "ok" } else { "NO" }, self.exercise.number));
    }
}

impl Drop for Bench<'_> {
    fn drop(&mut self) {
        let text = self.piece.mine.as_ref().unwrap_or(&self.piece.starter);
        if let Err(error) = files::write(&self.piece.path, text) {
            complain(&format!("{error:#}; what was there is under .workshop/saved"));
        }
    }
}

/// What the learner would be told.
fn said(checked: &Checked) -> String {
    match &checked.verdict {
        Verdict::Ran(tests) => {
            tests.iter().filter(|test| !test.passed).map(|test| format!("{}\n", test.said)).collect()
        }
        Verdict::NoBuild(NoBuild::Here(errors)) => errors.concat(),
        Verdict::NoBuild(
            NoBuild::Neighbour(_, error) | NoBuild::Elsewhere(error) | NoBuild::Cargo(error),
        ) => error.clone(),
        Verdict::TooLong(limit) => format!("still running after {limit:?}"),
        Verdict::Died(status) => status.clone(),
    }
}
