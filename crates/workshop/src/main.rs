//! `cargo workshop`: runs the steps and leads through the workshop.
//!
//! A small crate of its own, built before anything else, so it knows no web framework and no database: what it runs it
//! builds with cargo and starts through the harness. It works without a terminal, and asks at one only before it moves data.
//! It says what is wrong in one line. Exit codes: 0 done, 1 failed, 64 (`EX_USAGE`) misused.

mod agenda;
mod author;
mod cargo;
mod checklist;
mod cli;
mod coach;
mod diff;
mod doctor;
mod files;
mod guard;
mod hint;
mod list;
mod once;
mod output;
mod parked;
mod patch;
mod piece;
mod progress;
mod region;
mod run;
mod saved;
mod solve;
mod track;
mod update;
mod verify;
mod watch;
mod where_is;
mod workshop;

use std::{env, process::ExitCode};

use clap::Parser;

use crate::{
    cli::{Cli, Command},
    output::complain,
    workshop::Workshop,
};

/// What is wrong is the command line, not the machine.
#[derive(Debug)]
struct Usage(String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// `EX_USAGE` of sysexits.h.
const EX_USAGE: u8 = 64;

fn main() -> ExitCode {
    let mut words = env::args_os().skip(1);
    if words.next().is_some_and(|word| word == guard::WORD) {
        return guard::guard(words).unwrap_or_else(|error| {
            complain(&format!("{error:#}"));
            ExitCode::FAILURE
        });
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed stdout is no reason to panic, and help is no error.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(EX_USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match execute(&cli) {
        Ok(code) => code,
        Err(error) => {
            complain(&format!("{error:#}"));
            if error.is::<Usage>() { ExitCode::from(EX_USAGE) } else { ExitCode::FAILURE }
        }
    }
}

fn execute(cli: &Cli) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::find()?;
    match &cli.command {
        None => Ok(coach::next(&workshop)),
        Some(Command::List) => Ok(coach::list(&workshop)),
        Some(Command::Run(options)) => run::run(&workshop, options),
        Some(Command::Verify(options)) => verify::verify(&workshop, options),
        Some(Command::Once { name, args }) => once::once(&workshop, name.as_deref(), args),
        Some(Command::Parked { what }) => parked::parked(&workshop, what.as_ref()),
        Some(Command::Hint { exercise }) => hint::hint(&workshop, exercise.as_deref()),
        Some(Command::Diff { exercise, later: None }) => diff::diff(&workshop, exercise),
        Some(Command::Diff { exercise, later: Some(later) }) => diff::between(&workshop, exercise, *later),
        Some(Command::Solve { exercise }) => solve::solve(&workshop, exercise),
        Some(Command::Reset { exercise }) => solve::reset(&workshop, exercise),
        Some(Command::CatchUp { step }) => solve::catch_up(&workshop, *step),
        Some(Command::Restore { what }) => saved::restore(&workshop, what.as_deref()),
        Some(Command::Update) => update::update(&workshop),
        Some(Command::Track { key }) => track::track(&workshop, key.as_deref()),
        Some(Command::Doctor { prepare }) => doctor::doctor(&workshop, *prepare),
        Some(Command::Agenda { track }) => agenda::agenda(&workshop, track.as_deref()),
        Some(Command::Author(author)) => author::author(&workshop, author),
        Some(Command::Checklist(options)) => checklist::checklist(&workshop, options),
        Some(Command::Watch(options)) => watch::watch(&workshop, options),
        Some(Command::Where { name, step }) => where_is::find(&workshop, name, *step),
    }
}
