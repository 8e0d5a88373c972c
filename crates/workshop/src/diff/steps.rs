//! What came between two steps. A step's folder holds only what it adds, so there are no two texts to compare: what differs
//! is what runs, which tables there are, and the code that is new. One text is there twice where both steps put the same process
//! together: the composition root, whose lines that changed come last.

use std::{collections::BTreeSet, path::Path, process::ExitCode};

use anyhow::Result;
use harness::{Definition, definition::Process};

use super::piece::coloured;
use crate::{
    Usage, files,
    list::Step,
    output::{say, style},
    patch, where_is,
    workshop::Workshop,
};

/// How many lines the summary has at most: it fits a screen, whatever stands after it.
const SUMMARY: usize = 20;
/// How many columns a line of names has at most.
const WIDEST: usize = 100;
/// How many characters of a file's first sentence are said.
const LONGEST: usize = 90;

/// From step `from` to a later one: a summary, then every new file and what it is for.
pub(crate) fn between(workshop: &Workshop, from: &str, to: u8) -> Result<ExitCode> {
    let Ok(from) = from.parse() else {
        return Err(Usage(format!(
            "{from} is no step; two steps are told like this: cargo workshop diff 1 {to}"
        ))
        .into());
    };
    let (old, new) = (workshop.step(from)?, workshop.step(to)?);
    if old.number >= new.number {
        return Err(Usage(format!("step {} is not before step {}", old.number, new.number)).into());
    }
    let mut summary =
        processes(&Definition::load(&workshop.folder(old))?, &Definition::load(&workshop.folder(new))?);
    let mut tables = BTreeSet::new();
    let mut details = Vec::new();
    for step in workshop.steps().iter().filter(|step| step.number <= new.number) {
        let here: BTreeSet<_> = where_is::tables_of(workshop, step)?.into_iter().collect();
        if old.number < step.number {
            let code = Code::of(workshop, step)?;
            summary.push(code.summary(workshop, step));
            details.extend(code.files);
            summary.extend(plus("Tables", here.difference(&tables)));
            summary.extend(list("Taken over   ", here.intersection(&tables)));
        }
        tables.extend(here);
    }
    say(&style::bold(&format!("From {} {} to {} {}", old.number, old.title, new.number, new.title)));
    for line in shortened(summary) {
        say(&line);
    }
    say("");
    let width = details.iter().map(|file| file.path.len()).max().unwrap_or(0);
    for File { path, lines, what } in details {
        say(&format!("{lines:>5}  {path:width$}  {}", style::dim(&what)));
    }
    for line in root_changes(workshop, old, new)?.lines() {
        say(&coloured(line));
    }
    Ok(ExitCode::SUCCESS)
}

/// The lines of the composition root that changed; none where one of the steps has none, or puts another process together.
fn root_changes(workshop: &Workshop, old: &Step, new: &Step) -> Result<String> {
    let paths = [old, new].map(|step| workshop.folder(step).join("src/app.rs"));
    let [Some(before), Some(after)] = [files::read(&paths[0])?, files::read(&paths[1])?] else {
        return Ok(String::new());
    };
    if first_sentence(&before) != first_sentence(&after) {
        return Ok(String::new());
    }
    let names = paths.each_ref().map(|path| workshop.shown(path).to_string());
    Ok(format!("\n{}", patch::diff_in(0, &names[0], &before, &names[1], &after)))
}

/// What is new, in as many lines as it takes.
fn plus<'a>(what: &str, names: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    list(&format!("{what:<11}+ "), names).iter().map(|line| style::green(line)).collect()
}

/// Names after `label`, in as many lines as it takes; none without names.
fn list<'a>(label: &str, names: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for name in names {
        match lines.last_mut() {
            Some(line) if line.len() + name.len() + ", ,".len() <= WIDEST => {
                line.push_str(&format!(", {name}"));
            }
            Some(line) => {
                line.push(',');
                lines.push(format!("{:width$}{name}", "", width = label.len()));
            }
            None => lines.push(format!("{label}{name}")),
        }
    }
    lines
}

/// What runs that did not, and what no longer runs.
fn processes(old: &Definition, new: &Definition) -> Vec<String> {
    let mut lines = Vec::new();
    for process in &new.processes {
        match old.process(&process.name) {
            None => lines.extend(plus("Process", [&format!("{}{}", process.name, on_port(process))])),
            Some(before) if before.port != process.port => {
                lines.push(format!("Process      {} now{}", process.name, on_port(process)));
            }
            Some(_) => {}
        }
    }
    let gone = old.processes.iter().filter(|process| new.process(&process.name).is_none());
    lines.extend(gone.map(|process| style::red(&format!("Process    - {}", process.name))));
    let by_hand = |definition: &Definition| -> BTreeSet<String> {
        definition.manual.iter().map(|process| process.name.clone()).collect()
    };
    lines.extend(plus("By hand", by_hand(new).difference(&by_hand(old))));
    let databases = |definition: &Definition| -> BTreeSet<String> {
        definition.databases().into_iter().map(str::to_owned).collect()
    };
    lines.extend(plus("Databases", databases(new).difference(&databases(old))));
    if old.front != new.front {
        lines.push(format!("Front        clients talk to {} instead of {}", new.front, old.front));
    }
    lines
}

fn on_port(process: &Process) -> String {
    process.port.map(|port| format!(" on port {port}")).unwrap_or_default()
}

/// At most as many lines as fit, and how many were left out.
fn shortened(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > SUMMARY {
        let left = lines.len() - SUMMARY + 1;
        lines.truncate(SUMMARY - 1);
        lines.push(format!("           and {left} more"));
    }
    lines
}

/// The code that a step adds.
struct Code {
    files: Vec<File>,
    /// The earlier steps that it builds on.
    reuses: BTreeSet<String>,
}

/// A file of code.
struct File {
    /// As a person in the root would type it.
    path: String,
    lines: usize,
    /// The first sentence of it.
    what: String,
}

impl Code {
    fn of(workshop: &Workshop, step: &Step) -> Result<Self> {
        let folder = workshop.folder(step);
        let mut code = Self { files: Vec::new(), reuses: BTreeSet::new() };
        for name in files::below(&folder)? {
            let path = folder.join(&name);
            if name.ends_with("Cargo.toml") {
                code.reuses.extend(reused(&files::read(&path)?.unwrap_or_default(), &step.number));
            } else if is_code(&name) {
                let text = files::read(&path)?.unwrap_or_default();
                let path = workshop.shown(&path).to_string();
                code.files.push(File { path, lines: text.lines().count(), what: first_sentence(&text) });
            }
        }
        Ok(code)
    }

    fn summary(&self, workshop: &Workshop, step: &Step) -> String {
        let lines: usize = self.files.iter().map(|file| file.lines).sum();
        let reuses: Vec<_> = self.reuses.iter().map(String::as_str).collect();
        let reuses =
            if reuses.is_empty() { String::new() } else { format!(", on top of {}", reuses.join(", ")) };
        let folder = workshop.folder(step);
        let files = self.files.len();
        style::green(&format!(
            "Code       + {}: {files} files, {lines} lines{reuses}",
            workshop.shown(&folder)
        ))
    }
}

/// Whether it is what runs: no tests, no benches.
fn is_code(name: &Path) -> bool {
    let is_tested_by_it = name.iter().any(|part| part == "tests" || part == "benches");
    let kind = name.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
    !is_tested_by_it && ["rs", "sql", "proto", "html"].contains(&kind)
}

/// The steps other than `own` that a manifest depends on, such as `step-01-monolith`.
fn reused(manifest: &str, own: &str) -> Vec<String> {
    let of_own = format!("step-{own}-");
    let names = manifest.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
    names.filter(|name| name.starts_with("step-") && !name.starts_with(&of_own)).map(str::to_owned).collect()
}

/// What a file says first, for one line of a terminal.
fn first_sentence(text: &str) -> String {
    let marks = ["//! ", "-- ", "// "];
    let comment = text.lines().map_while(|line| marks.iter().find_map(|mark| line.strip_prefix(mark)));
    let paragraph = comment.collect::<Vec<_>>().join(" ");
    let sentence = paragraph.split(". ").next().unwrap_or_default().trim_end_matches('.');
    let mut short: String = sentence.chars().take(LONGEST).collect();
    if short.len() < sentence.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_summary_fits_a_screen_and_says_what_is_left_out() {
        let lines: Vec<_> = (1..=SUMMARY).map(|number| number.to_string()).collect();
        assert_eq!(shortened(lines.clone()), lines);
        let long = shortened((1..=30).map(|number| number.to_string()).collect());
        assert_eq!((long.len(), long[SUMMARY - 1].as_str()), (SUMMARY, "           and 11 more"));
    }

    #[test]
    fn many_names_take_few_lines() {
        let names: Vec<_> = (10..40).map(|number| format!("table_{number}")).collect();
        let lines = list("Tables     + ", &names);
        assert_eq!(lines.len(), 4);
        assert!(lines.iter().all(|line| line.len() <= WIDEST), "{lines:?}");
        let text = lines.join("\n");
        assert!(text.starts_with("Tables     + table_10, table_11, "), "{text}");
        assert!(text.contains(",\n             table_") && text.ends_with(", table_39"), "{text}");
        assert!(list("Tables     + ", &[]).is_empty());
    }

    #[test]
    fn what_a_manifest_reuses_is_other_steps() {
        let manifest = "[package]\nname = \"step-03-gateway\"\n[dependencies]\nstep-01-monolith.workspace = true\n\
                        step-03-gateway = { path = \".\" }\nserde.workspace = true\n";
        assert_eq!(reused(manifest, "03"), ["step-01-monolith"]);
    }

    #[test]
    fn a_file_says_what_it_is_for() {
        assert_eq!(first_sentence("//! The table. More.\nuse x;\n"), "The table");
        assert_eq!(first_sentence("-- Who may write\nCREATE TABLE"), "Who may write");
        assert_eq!(first_sentence("//! A table\n//! of routes.\n//!\n//! More\n"), "A table of routes");
        assert_eq!(first_sentence("use x;\n"), "");
        let long = first_sentence(&format!("//! {}", "ü".repeat(200)));
        assert_eq!((long.chars().count(), long.ends_with('…')), (LONGEST + 1, true));
    }
}
