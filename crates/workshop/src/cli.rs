//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// From monolith to microservices, step by step.
#[derive(Debug, Parser)]
#[command(name = "cargo workshop", bin_name = "cargo workshop", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build a step and run all of its processes, until Ctrl-C
    Run(RunOptions),
    /// Say what this machine can do, and the fix for what it cannot
    Doctor,
}

#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    /// The step's number: 1 or 01
    #[arg(value_name = "STEP")]
    pub(crate) step: u8,
    /// Where Automator listens, instead of the step's own port
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    /// Folder for the database, instead of .workshop/run/STEP
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Begin with an empty database
    #[arg(long)]
    pub(crate) fresh: bool,
}
