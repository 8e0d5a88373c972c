//! What the environment says, checked before anything starts.

use chassis::process::Command;
use clap::Parser;
use step_02_composition::ModulesConfig;
use step_04_client::NotifyConfig;

/// Automator without its messages, where `NOTIFY_URL` says who has them; else with them.
#[derive(Debug, Parser)]
#[command(name = "monolith-04", version)]
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
}
