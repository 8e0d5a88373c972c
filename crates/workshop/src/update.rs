//! `cargo workshop update`: the newest version of the workshop, with the learner's edits put back.
//!
//! Exercises are tracked files, so after an edit `git pull` refuses. Nothing is touched before it is clear that there is
//! something new and that it fits: fetch first, then save, take the edits away, move on, put them back.

use std::{
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::{cargo, output::say, saved, saved::Replacing, workshop::Workshop};

/// What the command itself is made from.
const COMMAND: &[&str] = &["crates/workshop", "crates/harness", ".cargo", "Cargo.toml"];
/// How many of the new commits are told.
const TOLD: usize = 10;

pub(crate) fn update(workshop: &Workshop) -> Result<ExitCode> {
    let git = Git { root: &workshop.root };
    git.ask(&["rev-parse", "--show-prefix"]).context(
        "this folder is no checkout of git, so there is nothing to pull; get the new version beside it, then copy \
         exercises and .workshop over",
    )?;
    if !git.ask(&["ls-files", "--unmerged"])?.is_empty() {
        bail!("a merge is not finished here: end it first, or take it back with git merge --abort");
    }
    let upstream = git
        .ask(&["rev-parse", "--abbrev-ref", "--symbolic-full-name", "@{upstream}"])
        .context("what is checked out follows no branch, so it stays the version that it is")?;
    say("git fetch");
    git.ask(&["fetch", "--quiet"]).context("nothing was changed, since nothing could be fetched")?;
    let (old, new) = (git.ask(&["rev-parse", "HEAD"])?, git.ask(&["rev-parse", &upstream])?);
    if git.is_before(&new, &old) {
        say(&format!("Up to date already: nothing new in {upstream}, and nothing was touched."));
        return Ok(ExitCode::SUCCESS);
    }
    if !git.is_before(&old, &new) {
        bail!(
            "you have commits of your own, and only you can say how they go with the new version: git rebase {upstream}; \
             nothing was changed"
        );
    }

    let mut replacing = Replacing::new(workshop, "update");
    let edited = git.edited()?;
    for name in &edited {
        replacing.save(&workshop.root.join(name))?;
    }
    let saved = replacing.name();
    if let Some(name) = &saved {
        say(&format!(
            "Saved      your edits; should this end here, they come back with: cargo workshop restore {name}"
        ));
    }
    let moved_on = git.take_away(&edited).and_then(|()| {
        replacing.note_starts()?;
        git.ask(&["merge", "--ff-only", "--quiet", &upstream]).context("git stays where it was")
    });
    if moved_on.is_ok() {
        tell(&git, &old, &new)?;
    }
    put_back(workshop, &git, (&old, &new), saved.as_deref())?;
    moved_on?;
    say("Next, type    cargo workshop");
    Ok(ExitCode::SUCCESS)
}

/// What is new, by the first lines of its commits.
fn tell(git: &Git<'_>, old: &str, new: &str) -> Result<()> {
    let log = git.ask(&["log", "--no-merges", "--format=%s", &format!("{old}..{new}")])?;
    let lines: Vec<_> = log.lines().collect();
    say(&format!("Moved on   from {} to {}:", &old[..old.len().min(10)], &new[..new.len().min(10)]));
    for line in lines.iter().take(TOLD) {
        say(&format!("           {line}"));
    }
    if lines.len() > TOLD {
        say(&format!("           and {} more", lines.len() - TOLD));
    }
    Ok(())
}

/// Puts the edits back. Where the command itself is another now, the new one does it: only it knows the new list.
fn put_back(workshop: &Workshop, git: &Git<'_>, (old, new): (&str, &str), saved: Option<&str>) -> Result<()> {
    let Some(name) = saved else { return Ok(()) };
    let mut compare = vec!["diff", "--name-only", old, new, "--"];
    compare.extend(COMMAND);
    let has_changed = git.ask(&["rev-parse", "HEAD"])? == new && !git.ask(&compare)?.is_empty();
    if !has_changed {
        return saved::restore(&Workshop::at(&workshop.root)?, Some(name)).map(drop);
    }
    // Windows lets nobody replace a program that runs.
    let by_the_new_one = !cfg!(windows) && {
        let mut restore = cargo::command();
        restore.args(["workshop", "restore", name]).current_dir(&workshop.root).stdin(Stdio::null());
        restore.status().is_ok_and(|status| status.success())
    };
    if !by_the_new_one {
        bail!("the command itself is new; your edits come back when you type: cargo workshop restore {name}");
    }
    Ok(())
}

/// The reader's git in the checkout. It never asks a question either.
struct Git<'a> {
    root: &'a Path,
}

impl Git<'_> {
    fn run(&self, arguments: &[&str]) -> Result<std::process::Output> {
        Command::new("git")
            .arg("--literal-pathspecs")
            .args(arguments)
            .current_dir(self.root)
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::null())
            .output()
            .context("git is not there: cargo workshop doctor says how to install it")
    }

    /// What it prints, trimmed; an error in its own words.
    fn ask(&self, arguments: &[&str]) -> Result<String> {
        let output = self.run(arguments)?;
        if !output.status.success() {
            bail!("git {}: {}", arguments[0], String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn is_before(&self, one: &str, other: &str) -> bool {
        self.run(&["merge-base", "--is-ancestor", one, other]).is_ok_and(|output| output.status.success())
    }

    /// The tracked files that are not as they were committed, relative to the root.
    fn edited(&self) -> Result<Vec<String>> {
        let names = self.ask(&["diff", "--name-only", "-z", "--no-renames", "--relative", "HEAD"])?;
        // A file that was only added is no version's: it stays where it is.
        let added = self.ask(&["diff", "--name-only", "-z", "--relative", "--diff-filter=A", "HEAD"])?;
        let added: Vec<_> = added.split('\0').collect();
        let edited = names.split('\0').filter(|name| !name.is_empty() && !added.contains(name));
        Ok(edited.map(str::to_owned).collect())
    }

    /// Makes files as they were committed.
    fn take_away(&self, edited: &[String]) -> Result<()> {
        if edited.is_empty() {
            return Ok(());
        }
        let mut arguments = vec!["checkout", "--quiet", "HEAD", "--"];
        arguments.extend(edited.iter().map(String::as_str));
        self.ask(&arguments).map(drop)
    }
}
