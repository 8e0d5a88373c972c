//! One exercise: its start, its wrong answers, its solution.

use std::{cell::OnceCell, collections::BTreeSet, fs, path::Path};

use anyhow::Result;

use super::{Proof, merged, wrong_answers};
use crate::{
    files,
    list::Exercise,
    output::{complain, say},
    patch,
    piece::Piece,
    saved::Replacing,
    verify::{Checked, NoBuild, Program, Verdict, Whose},
};

/// The exercise's file under test. Dropped, it has again what it had before.
pub(super) struct Bench<'a> {
    proof: &'a Proof<'a>,
    exercise: &'a Exercise,
    piece: Piece,
    /// The tests of a piece that is no Rust. They read it when they run, so they are built once.
    built: OnceCell<Program<'a>>,
}

/// A wrong answer.
struct Wrong {
    name: String,
    text: String,
    /// What the tests have to say of it.
    declared: String,
}

impl<'a> Bench<'a> {
    pub(super) fn new(proof: &'a Proof<'a>, exercise: &'a Exercise) -> Result<Self> {
        Ok(Self { proof, exercise, piece: Piece::of(proof.workshop, exercise)?, built: OnceCell::new() })
    }

    /// Proves it; the problems.
    pub(super) fn prove(self) -> Result<Vec<String>> {
        // Should we be killed before the drop, what was there is found again.
        let mut replacing = Replacing::new(self.proof.workshop, &format!("prove-{}", self.exercise.number));
        replacing.write(&self.piece.path, &self.piece.starter)?;
        let mut problems = Vec::new();
        problems.extend(self.start()?);
        problems.extend(self.wrong()?);
        problems.extend(self.solution()?);
        Ok(problems.into_iter().map(|problem| format!("{}: {problem}", self.exercise.name())).collect())
    }

    /// Exactly the declared tests fail.
    fn start(&self) -> Result<Option<String>> {
        let declared: BTreeSet<_> = self.exercise.failing.iter().map(String::as_str).collect();
        let problem = self.by_itself(&self.piece.starter, &|checked| match &checked.verdict {
            Verdict::Ran(tests) => {
                let failed: BTreeSet<_> =
                    tests.iter().filter(|test| !test.passed).map(|test| test.name.as_str()).collect();
                (failed != declared).then(|| format!("at the start {failed:?} fail, not {declared:?}"))
            }
            _ => Some(format!("the start does not come to its tests: {}", said(checked))),
        })?;
        self.report("start", problem.is_none());
        Ok(problem)
    }

    /// The tests refuse each of them, with the message that it declares.
    fn wrong(&self) -> Result<Vec<String>> {
        let (mut answers, mut problems) = (Vec::new(), Vec::new());
        for path in wrong_answers(self.proof.workshop, self.exercise)? {
            match Wrong::read(&path, &self.piece.solved)? {
                Ok(answer) => answers.push(answer),
                Err(problem) => problems.push(problem),
            }
        }
        let answers: Vec<_> = answers.iter().collect();
        problems.extend(self.refused(&answers)?);
        Ok(problems)
    }

    /// They are refused, in as few builds as possible.
    fn refused(&self, answers: &[&Wrong]) -> Result<Vec<String>> {
        let mut problems = Vec::new();
        let Some(merger) = self.proof.merger.as_ref().filter(|_| self.is_rust()) else {
            for answer in answers {
                problems.extend(self.in_one_file(&answer.text, &[(0, answer)])?);
            }
            return Ok(problems);
        };
        let texts: Vec<_> = answers.iter().map(|answer| answer.text.as_str()).collect();
        for file in merged::files(merger, &texts)? {
            let inside: Vec<_> =
                file.answers.iter().filter_map(|&number| Some((number, *answers.get(number)?))).collect();
            if let (Some(why), Some((_, first))) = (&file.apart, inside.first()) {
                complain(&format!("{} has another build: {why}", first.name));
            }
            problems.extend(self.in_one_file(&file.text, &inside)?);
        }
        Ok(problems)
    }

    /// Wrong answers that are in one file, with the numbers that they have there.
    fn in_one_file(&self, text: &str, answers: &[(usize, &Wrong)]) -> Result<Vec<String>> {
        if let [(_, answer)] = answers {
            let problem = self.by_itself(&answer.text, &|checked| answer.problem(checked))?;
            self.report(&answer.name, problem.is_none());
            return Ok(problem.into_iter().collect());
        }
        match self.build(text)? {
            Ok(program) => {
                let mut problems = Vec::new();
                for (number, answer) in answers {
                    let problem =
                        self.proof.run(&program, Some(*number), &|checked| answer.problem(checked))?;
                    self.report(&answer.name, problem.is_none());
                    problems.extend(problem);
                }
                Ok(problems)
            }
            // One of them does not compile, or not beside the others: halves find out which.
            Err(checked) => {
                let error = said(&checked);
                complain(&format!(
                    "{}: {} answers do not compile in one file, so in halves: {}",
                    self.exercise.number,
                    answers.len(),
                    error.lines().next().unwrap_or_default()
                ));
                let answers: Vec<_> = answers.iter().map(|(_, answer)| *answer).collect();
                let (one, other) = answers.split_at(answers.len() / 2);
                Ok([self.refused(one)?, self.refused(other)?].concat())
            }
        }
    }

    /// It passes in both crates, and the compiler has nothing to say of it.
    fn solution(&self) -> Result<Option<String>> {
        let passes = |checked: &Checked| {
            (!checked.passed()).then(|| format!("the solution does not pass: {}", said(checked)))
        };
        let passes_clean = |checked: &Checked| {
            let warning = checked.warnings.iter().find(|warning| warning.contains("solutions/"));
            let warns = warning.map(|warning| format!("the compiler warns of the solution: {warning}"));
            passes(checked).or(warns)
        };
        let mut problem = self.by_itself(&self.piece.solved, &passes)?;
        if problem.is_none() {
            problem = match self.proof.build(self.exercise, Whose::Solution)? {
                Ok(program) => self.proof.run(&program, None, &passes_clean)?,
                Err(checked) => passes(&checked),
            };
        }
        self.report("solution", problem.is_none());
        Ok(problem)
    }

    /// Builds and runs the tests on this text; what is wrong with what came of it.
    fn by_itself(&self, text: &str, problem: &dyn Fn(&Checked) -> Option<String>) -> Result<Option<String>> {
        if let Some(program) = self.built.get() {
            files::write(&self.piece.path, text)?;
            return self.proof.run(program, None, problem);
        }
        match self.build(text)? {
            Ok(program) => {
                let problem = self.proof.run(&program, None, problem)?;
                if !self.is_rust() {
                    let _ = self.built.set(program);
                }
                Ok(problem)
            }
            Err(checked) => Ok(problem(&checked)),
        }
    }

    fn build(&self, text: &str) -> Result<Result<Program<'a>, Checked>> {
        files::write(&self.piece.path, text)?;
        self.proof.build(self.exercise, Whose::Mine)
    }

    fn is_rust(&self) -> bool {
        self.piece.path.extension().is_some_and(|kind| kind == "rs")
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

impl Wrong {
    /// Applies a patch to the solution; what is wrong with it where that cannot be done.
    fn read(path: &Path, solved: &str) -> Result<Result<Self, String>> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let patch = fs::read_to_string(path)?.replace("\r\n", "\n");
        let Some(declared) = patch.lines().find_map(|line| line.strip_prefix("Refused with: ")) else {
            return Ok(Err(format!("{name} does not say what it is `Refused with: `")));
        };
        Ok(match patch::apply(solved, &patch) {
            Ok(text) => Ok(Self { name, text, declared: declared.to_owned() }),
            Err(reason) => Err(format!("{name} cannot be applied to the solution: {reason}")),
        })
    }

    /// What is wrong with what the tests say of it.
    fn problem(&self, checked: &Checked) -> Option<String> {
        let Self { name, declared, .. } = self;
        match &checked.verdict {
            Verdict::Ran(_) if checked.passed() => Some(format!("the wrong answer {name} passes")),
            Verdict::Ran(_) if said(checked).contains(declared) => None,
            Verdict::Ran(_) => {
                Some(format!("{name} is not refused with {declared:?} but with:\n{}", said(checked)))
            }
            _ => Some(format!("{name} does not come to its tests: {}", said(checked))),
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
