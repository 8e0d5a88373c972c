//! `cargo workshop checklist`: the best practices of the steps, each with what verifies it.
//!
//! A step's `checklist.md` has one line a practice, `- [ ] What holds. …`, and below it, indented, the command that
//! verifies it in backticks: `cargo test …`. A test that is named there but does not exist is a cross, not a tick.

use std::{
    path::PathBuf,
    process::{ExitCode, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::{
    cargo,
    cli::ChecklistOptions,
    files,
    list::Step,
    output::{say, style},
    workshop::Workshop,
};

/// A best practice.
struct Item {
    /// As it stands there, Markdown included.
    text: String,
    /// The arguments of cargo that verify it.
    verifier: Option<Vec<String>>,
}

pub(crate) fn checklist(workshop: &Workshop, options: &ChecklistOptions) -> Result<ExitCode> {
    if options.write {
        let path = root(workshop);
        files::write(&path, &together(workshop)?)?;
        say(&format!("written: {}", workshop.shown(&path)));
        return Ok(ExitCode::SUCCESS);
    }
    let steps: Vec<&Step> = match options.step {
        Some(number) => vec![workshop.step(number)?],
        None => workshop.steps().iter().collect(),
    };
    let mut crosses = 0;
    say("Each item runs a test of our code, not of your files: yours are tested by cargo workshop verify.");
    say("The first has to be built, which may take minutes.");
    for step in steps {
        say(&style::bold(&format!("{} {}", step.number, step.title)));
        for item in items(workshop, step)? {
            let result = item
                .verifier
                .as_deref()
                .map_or_else(|| bail!("nothing verifies it"), |it| verify(workshop, it));
            match result {
                Ok(()) => say(&format!("  {}  {}", style::green("ok"), plain(&item.text))),
                Err(error) => {
                    crosses += 1;
                    say(&format!("  {}  {}", style::red("no"), plain(&item.text)));
                    say(&format!("      {error:#}"));
                }
            }
        }
    }
    Ok(if crosses == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is wrong with the checklists themselves, nothing being run.
pub(crate) fn problems(workshop: &Workshop) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for step in workshop.steps() {
        let unverified = items(workshop, step)?.into_iter().filter(|item| item.verifier.is_none());
        problems.extend(
            unverified.map(|item| format!("step {}: nothing verifies \"{}\"", step.number, item.text)),
        );
    }
    if files::read(&root(workshop))?.unwrap_or_default() != together(workshop)? {
        problems.push("checklist.md is stale: cargo workshop checklist --write".to_owned());
    }
    Ok(problems)
}

fn root(workshop: &Workshop) -> PathBuf {
    workshop.root.join("checklist.md")
}

/// The items of a step; none where it has no checklist.
fn items(workshop: &Workshop, step: &Step) -> Result<Vec<Item>> {
    Ok(parse(&files::read(&workshop.folder(step).join("checklist.md"))?.unwrap_or_default()))
}

fn parse(text: &str) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut is_open = false;
    for line in text.lines() {
        if let Some(practice) = line.strip_prefix("- [ ] ") {
            items.push(Item { text: practice.to_owned(), verifier: None });
            is_open = true;
        } else if let Some(item) = items.last_mut().filter(|_| is_open && line.starts_with("  ")) {
            match line.trim().strip_prefix("`cargo ").and_then(|rest| rest.strip_suffix('`')) {
                Some(arguments) => item.verifier = Some(arguments.split(' ').map(str::to_owned).collect()),
                None => item.text.push_str(&format!(" {}", line.trim())),
            }
        } else {
            is_open = false;
        }
    }
    items
}

/// All steps' items, by part.
fn together(workshop: &Workshop) -> Result<String> {
    let mut text = "# Checklist\n\nThe best practices of all steps. Each is verified by a command, here, at its step. This page is made by\n\
                    `cargo workshop checklist --write` from the steps' own.\n"
        .to_owned();
    for part in workshop.parts() {
        let steps: Vec<_> = workshop.steps().iter().filter(|step| step.part == part.key).collect();
        if steps.is_empty() {
            continue;
        }
        text.push_str(&format!("\n## {}\n", part.title));
        for step in steps {
            let folder = step.folder();
            text.push_str(&format!(
                "\n### [{} {}](steps/{folder}/checklist.md)\n\n",
                step.number, step.title
            ));
            for item in items(workshop, step)? {
                text.push_str(&format!("- [ ] {}\n", item.text));
                if let Some(verifier) = item.verifier {
                    text.push_str(&format!("  `cargo {}`\n", verifier.join(" ")));
                }
            }
        }
    }
    Ok(text)
}

/// Runs a verifier.
///
/// # Errors
/// It fails, or it is a test that does not exist.
fn verify(workshop: &Workshop, arguments: &[String]) -> Result<()> {
    let shown = format!("cargo {}", arguments.join(" "));
    let output = cargo::command()
        .args(arguments)
        .current_dir(&workshop.root)
        .stdin(Stdio::null())
        .output()
        .context("cannot start cargo")?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("see why: {shown}");
    }
    let ran = said.lines().filter_map(|line| line.strip_prefix("test result: ok. "));
    let ran = ran.filter_map(|rest| rest.split(' ').next()?.parse::<u32>().ok()).sum::<u32>();
    if arguments.first().is_some_and(|command| command == "test") && ran == 0 {
        match needs(&said) {
            Some(reason) => bail!("not tested here: {reason}\n      {shown}"),
            None => bail!("there is no such test: {shown}"),
        }
    }
    Ok(())
}

/// Why the tests were ignored, in the words of the first: what the machine has to have.
fn needs(said: &str) -> Option<String> {
    let ignored = said.lines().find_map(|line| line.strip_prefix("test ")?.split_once(" ... ignored"))?.1;
    let reason = ignored.trim_start_matches([',', ':', ' ']).trim();
    Some(if reason.is_empty() { "the test is ignored".to_owned() } else { reason.to_owned() })
}

/// Without the stars and backticks of Markdown.
fn plain(text: &str) -> String {
    text.replace("**", "").replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_a_line_with_its_verifier_below() {
        let text = "# Title\n\n- [ ] **One.** It\n  goes on.\n  `cargo test --workspace --test x -- a::b`\n- [ ] Two.\n\nText.\n  \
                    `cargo no`\n";
        let items = parse(text);
        assert_eq!(items.len(), 2);
        assert_eq!(items[0].text, "**One.** It goes on.");
        assert_eq!(items[0].verifier.as_deref().unwrap().last().unwrap(), "a::b");
        assert!(items[1].verifier.is_none());
    }
}
