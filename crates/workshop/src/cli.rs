//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, builder::FalseyValueParser};

/// From monolith to microservices, step by step.
///
/// Without a command it says where you are and what to type next.
#[derive(Debug, Parser)]
#[command(name = "cargo workshop", bin_name = "cargo workshop", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// All steps and exercises, and how far you are
    List,
    /// Build a step and run all of its processes, until Ctrl-C
    Run(RunOptions),
    /// Run an exercise's tests: does it work?
    Verify(VerifyOptions),
    /// Verify at each save, with keys for the rest
    Watch(WatchOptions),
    /// The next of three hints
    Hint {
        /// The exercise, such as 01.1; the current one unless told
        #[arg(value_name = "NN.x")]
        exercise: Option<String>,
    },
    /// Your file against ours, or what came between two steps
    Diff {
        /// An exercise, such as 01.1, or a step, such as 01
        #[arg(value_name = "NN.x")]
        exercise: String,
        /// A later step: what came in between
        #[arg(value_name = "STEP")]
        later: Option<u8>,
    },
    /// Take our solution over; your file is saved first
    Solve {
        /// The exercise, such as 01.1
        #[arg(value_name = "NN.x")]
        exercise: String,
    },
    /// Begin an exercise anew; your file is saved first
    Reset {
        /// The exercise, such as 01.1
        #[arg(value_name = "NN.x")]
        exercise: String,
    },
    /// Solve what is before a step; what has passed stays, your other files are saved first
    CatchUp {
        /// The step's number: 2 or 02
        #[arg(value_name = "STEP")]
        step: u8,
    },
    /// Bring back what was saved before a file of yours was replaced
    Restore {
        /// A folder of .workshop/saved, or an exercise, such as 01.1; without it, what there is
        #[arg(value_name = "WHAT")]
        what: Option<String>,
    },
    /// Get the newest version of the workshop, and put your edits back
    Update,
    /// Go one way through the workshop: hint, verify and watch follow it
    Track {
        /// half-day, full-day, self-paced, or all for none; without it, what there is
        #[arg(value_name = "TRACK")]
        key: Option<String>,
    },
    /// Run what verifies the best practices of a step in our code, and tick or cross each
    Checklist(ChecklistOptions),
    /// In which step a process, a port or a table lives
    Where {
        /// Such as monolith, 8080 or tasks
        name: String,
        /// As of this step; of the one that you are at unless told
        #[arg(value_name = "STEP")]
        step: Option<u8>,
    },
    /// Run a process of the running step that waits for somebody to ask
    Once {
        /// Such as rebuild-insights; without it, those that there are
        #[arg(value_name = "PROCESS")]
        name: Option<String>,
        /// What it is told
        #[arg(value_name = "ARGUMENTS", trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Messages that a running step has put aside since nobody could take them: show them, send them again, give them up
    Parked {
        #[command(subcommand)]
        what: Option<Parked>,
    },
    /// Say what this machine can do, and the fix for what it cannot
    Doctor {
        /// Fetch and build all that a class needs, at home
        #[arg(long)]
        prepare: bool,
    },
    /// The timetable of a track
    Agenda {
        /// half-day, full-day or self-paced; without it, the one that you have chosen, or what there is
        #[arg(long, value_name = "TRACK")]
        track: Option<String>,
    },
    /// For those who write steps
    #[command(subcommand)]
    Author(Author),
}

#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    /// The step's number: 1 or 01
    #[arg(value_name = "STEP")]
    pub(crate) step: u8,
    /// With those of your files that verify
    #[arg(long)]
    pub(crate) mine: bool,
    /// Where Automator listens, instead of the step's own port
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    /// Folder for the databases, instead of .workshop/run/STEP; with --take, the folder with those that are taken over
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Begin with empty databases; with --take, with a new copy
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Take over a copy of the data of this earlier step's last run, while people work: there, back, and there again
    #[arg(long, value_name = "STEP", conflicts_with_all = ["context", "down"])]
    pub(crate) take: Option<u8>,
    /// With --take: ask nothing on the way
    #[arg(long, requires = "take")]
    pub(crate) at_once: bool,
    /// Mail whoever is given a task: the wish of exercise 02.2
    #[arg(long, env = "TELL_ASSIGNEES", value_parser = FalseyValueParser::new())]
    pub(crate) tell_assignees: bool,
    /// On the cluster of this context, for a step that runs on one; unless told the current one, if it is on this machine
    #[arg(long, value_name = "NAME", conflicts_with_all = ["data", "fresh"])]
    pub(crate) context: Option<String>,
    /// Take everything of the step off the cluster again
    #[arg(long, conflicts_with_all = ["data", "fresh", "mine", "port"])]
    pub(crate) down: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyOptions {
    /// The exercise, such as 01.1; the current one unless told
    #[arg(value_name = "NN.x")]
    pub(crate) exercise: Option<String>,
    /// Our solution instead of your file
    #[arg(long)]
    pub(crate) solution: bool,
    /// All that the compiler and the tests say
    #[arg(long)]
    pub(crate) full: bool,
    /// How long the tests may run
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: u64,
}

#[derive(Debug, Args)]
pub(crate) struct WatchOptions {
    /// The exercise, such as 01.1; the current one unless told
    #[arg(value_name = "NN.x")]
    pub(crate) exercise: Option<String>,
    /// Look for changes by the clock: for network drives and containers
    #[arg(long)]
    pub(crate) poll: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ChecklistOptions {
    /// The step's number: 1 or 01; all steps unless told
    #[arg(value_name = "STEP")]
    pub(crate) step: Option<u8>,
    /// Write checklist.md at the root from the steps' own, and run nothing
    #[arg(long, conflicts_with = "step")]
    pub(crate) write: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Parked {
    /// Show them; so does no word at all
    List,
    /// Hand a message to its consumer once more
    Retry {
        /// As the list shows it
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Take a message out of the way for good
    GiveUp {
        /// As the list shows it
        #[arg(value_name = "ID")]
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Author {
    /// Make exercises and diffs from the solutions
    Sync {
        /// Change nothing; fail when something is stale
        #[arg(long)]
        check: bool,
    },
    /// Prove that starts fail, wrong answers are refused and solutions pass
    Prove {
        /// The exercise, such as 01.1; all unless told
        #[arg(value_name = "NN.x")]
        exercise: Option<String>,
    },
    /// Begin a step with all of its files
    New {
        /// Its number: 2 or 02
        #[arg(value_name = "STEP")]
        number: u8,
        /// Its name in folders, such as modules
        slug: String,
        /// Its name for people
        title: String,
    },
}
