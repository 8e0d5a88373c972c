//! What the environment says, checked before anything starts.

use chassis::process::Command;
use clap::Parser;
use step_02_composition::ModulesConfig;

/// Automator, in modules, in one process.
#[derive(Debug, Parser)]
#[command(name = "monolith-02", version)]
pub struct Config {
    /// What to do; serve, unless told.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What the modules need.
    #[command(flatten)]
    pub modules: ModulesConfig,
}
