//! Building an exercise's tests and running them: what came of it, as data.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use harness::Stop;

use super::outcome::{self, Test};
use crate::{
    cargo::{self, Built, Diagnostic, Output},
    guard::{self, Guarded},
    list::Exercise,
    workshop::Workshop,
};

/// Which of the answers runs, where one file has several: see `crates/answers`.
const ANSWER: &str = "WORKSHOP_ANSWER";

/// Whose file the step is built with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    Mine,
    Solution,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) verdict: Verdict,
    /// All that the compiler or the tests said.
    pub(crate) full: String,
    /// What the compiler warned of in the workshop's own files.
    pub(crate) warnings: Vec<String>,
}

/// How it ended.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The tests ran.
    Ran(Vec<Test>),
    /// Something does not compile.
    NoBuild(NoBuild),
    /// They did not come to an end in this time.
    TooLong(Duration),
    /// They ended before they said how: an abort, a stack overflow.
    Died(String),
}

/// Where it does not compile.
#[derive(Debug)]
pub(crate) enum NoBuild {
    /// In the learner's file: what the compiler says, error by error.
    Here(Vec<String>),
    /// In the file of another exercise of the crate, by its path, with the first error.
    Neighbour(String, String),
    /// In the workshop's own code, most likely because the file no longer has what the step uses.
    Elsewhere(String),
    /// Nowhere: cargo, the linker or the machine gave up, in their words.
    Cargo(String),
}

impl Checked {
    /// Whether tests ran and all of them passed.
    pub(crate) fn passed(&self) -> bool {
        matches!(&self.verdict, Verdict::Ran(tests) if tests.iter().all(|test| test.passed))
    }
}

/// The built tests of an exercise.
pub(crate) struct Program<'a> {
    workshop: &'a Workshop,
    exercise: &'a Exercise,
    path: PathBuf,
    warnings: Vec<String>,
}

/// Builds the tests of `exercise` and runs them, at most for `limit`.
pub(crate) fn check(
    workshop: &Workshop,
    exercise: &Exercise,
    whose: Whose,
    limit: Duration,
    stop: &Stop,
) -> Result<Checked> {
    match build(workshop, exercise, whose, stop)? {
        Ok(program) => program.run(None, limit, stop),
        Err(checked) => Ok(checked),
    }
}

/// Builds the tests of `exercise`; what came of it where they do not compile.
pub(crate) fn build<'a>(
    workshop: &'a Workshop,
    exercise: &'a Exercise,
    whose: Whose,
    stop: &Stop,
) -> Result<Result<Program<'a>, Checked>> {
    let step = workshop.step_of(exercise);
    let target = format!("ex_{}", step.number);
    let feature = format!("step-{}/{}", step.folder(), exercise.feature());
    let mut arguments = vec!["test", "--workspace", "--no-run", "--test", &target];
    if whose == Whose::Mine {
        arguments.extend(["--features", &feature]);
    }
    let built = cargo::build(&workshop.root, &arguments, Output::Kept, stop)?;
    let warnings = diagnostics(&built, "warning").filter_map(|warning| warning.rendered.clone()).collect();
    if !built.success {
        let full = rendered(&built);
        let verdict = Verdict::NoBuild(why(workshop, exercise, &built));
        return Ok(Err(Checked { verdict, full, warnings }));
    }
    let path = built.executable(&target).with_context(|| format!("cargo built no {target}"))?.to_owned();
    Ok(Ok(Program { workshop, exercise, path, warnings }))
}

impl Program<'_> {
    /// Runs the tests, at most for `limit`; where one file has several answers, on the one with this number.
    pub(crate) fn run(&self, answer: Option<usize>, limit: Duration, stop: &Stop) -> Result<Checked> {
        let (exercise, module) = (self.exercise, self.exercise.module());
        let folder = self.workshop.folder(self.workshop.step_of(exercise));
        let (status, full) = run(&self.path, answer, &folder, &module, limit, stop)?;
        let mut tests = outcome::read(&full, &module);
        // They run at once and end in any order; the list has them in the order in which a learner gets them right.
        tests.sort_by_key(|test| {
            exercise.failing.iter().position(|name| *name == test.name).unwrap_or(usize::MAX)
        });
        let verdict = match status {
            None => Verdict::TooLong(limit),
            Some(_) if tests.is_empty() && full.contains("running 0 tests") => {
                bail!("there are no tests named {module}::…, which is a mistake of the workshop's")
            }
            // The harness says so itself when a test fails; another end is none of its own.
            Some(status) if !full.contains("test result: ") => Verdict::Died(status),
            Some(_) => Verdict::Ran(tests),
        };
        Ok(Checked { verdict, full, warnings: self.warnings.clone() })
    }
}

fn diagnostics<'a>(built: &'a Built, level: &'a str) -> impl Iterator<Item = &'a Diagnostic> {
    built
        .messages
        .iter()
        .filter_map(|message| message.message.as_ref())
        .filter(move |message| message.level == level)
}

/// Everything that the compiler and cargo said.
fn rendered(built: &Built) -> String {
    let all = built.messages.iter().filter_map(|message| message.message.as_ref()?.rendered.as_deref());
    all.collect::<String>() + &built.complaints
}

/// In whose file the build failed.
fn why(workshop: &Workshop, exercise: &Exercise, built: &Built) -> NoBuild {
    let step = workshop.step_of(exercise);
    let file = |diagnostic: &Diagnostic| -> Option<String> {
        let span = diagnostic.spans.iter().find(|span| span.is_primary)?;
        Some(span.file_name.replace('\\', "/"))
    };
    let errors: Vec<(Option<String>, &str)> = diagnostics(built, "error")
        // What has no place in a file is no mistake in one: a linker, a full disk.
        .filter(|error| !error.spans.is_empty())
        .map(|error| (file(error), error.rendered.as_deref().unwrap_or_default()))
        .collect();
    let mine = format!("exercises/{}/{}", step.folder(), exercise.file);
    let here: Vec<_> = errors.iter().filter(|(file, _)| file.as_deref() == Some(&mine)).collect();
    if !here.is_empty() {
        return NoBuild::Here(here.iter().map(|(_, text)| (*text).to_owned()).collect());
    }
    let neighbour = errors.iter().find_map(|(file, text)| {
        file.as_ref()
            .filter(|file| file.starts_with("exercises/"))
            .map(|file| (file.clone(), (*text).to_owned()))
    });
    match (neighbour, errors.first()) {
        (Some((file, text)), _) => NoBuild::Neighbour(file, text),
        (None, Some((_, text))) => NoBuild::Elsewhere((*text).to_owned()),
        (None, None) => NoBuild::Cargo(in_its_words(built)),
    }
}

/// What gave up when no file is to blame, the reason first.
fn in_its_words(built: &Built) -> String {
    let said = diagnostics(built, "error").filter_map(|error| error.rendered.as_deref());
    // "aborting due to 2 previous errors" has nothing to say beside them.
    let said: String = said.filter(|text| !text.contains("aborting due to")).collect();
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for line in said.lines().chain(built.complaints.lines()).filter(|line| !line.trim().is_empty()) {
        let is_reason = !rest.is_empty() || line.starts_with("error");
        if is_reason { rest.push(line) } else { first.push(line) }
    }
    // Warnings may have come before it.
    if rest.is_empty() { first.join("\n") } else { rest.join("\n") }
}

/// Runs the test program; how it ended, `None` when it took too long, and all that it said.
fn run(
    program: &Path,
    answer: Option<usize>,
    folder: &Path,
    module: &str,
    limit: Duration,
    stop: &Stop,
) -> Result<(Option<String>, String)> {
    let mut command = guard::command(program)?;
    if let Some(answer) = answer {
        command.env(ANSWER, answer.to_string());
    }
    command
        .args([&format!("{module}::"), "--show-output", "--color=never"])
        // As cargo does it.
        .current_dir(folder)
        .env("CARGO_MANIFEST_DIR", folder)
        // A backtrace is on nobody's way to the answer; --full shows where a panic was all the same.
        .env("RUST_BACKTRACE", "0")
        // Nothing of a test's would come where we read it.
        .env_remove("RUST_TEST_NOCAPTURE")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut guarded =
        guard::start(&mut command).with_context(|| format!("cannot start {}", program.display()))?;
    let (out, err) = guarded.pipes();
    let (out, err) = (out.map(collect), err.map(collect));
    let status = wait(&mut guarded, limit, stop)?;
    drop(guarded);
    let text =
        |thread: Option<thread::JoinHandle<String>>| thread.and_then(|t| t.join().ok()).unwrap_or_default();
    Ok((status, text(out) + &text(err)))
}

fn collect(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).replace("\r\n", "\n")
    })
}

/// How the tests ended; `None` when they have to be ended.
fn wait(guarded: &mut Guarded, limit: Duration, stop: &Stop) -> Result<Option<String>> {
    let until = Instant::now() + limit;
    loop {
        if let Some(status) = guarded.poll().context("cannot wait for the tests")? {
            return Ok(Some(status.to_string()));
        }
        if stop.requested() || Instant::now() >= until {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(5));
    }
}
