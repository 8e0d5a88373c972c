//! What the environment says, checked before anything starts.

use chassis::process::Command;
use clap::Parser;
use step_02_composition::ModulesConfig;
use step_04_client::NotifyConfig;
use step_05_client::config::BacklogUrls;

/// Automator without its messages and its tasks, where the environment says who has them.
#[derive(Debug, Parser)]
#[command(name = "monolith-05", version)]
pub struct Config {
    /// What to do; serve, unless told.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What the modules need.
    #[command(flatten)]
    pub modules: ModulesConfig,
    /// Who takes messages; the module in this process, where the environment does not say.
    #[command(flatten)]
    pub notify: NotifyConfig,
    /// Who has tasks and rules. Without an instance they are a module of this process, as in step 02: one setting undoes the split.
    #[command(flatten)]
    pub backlog: BacklogUrls,
}
