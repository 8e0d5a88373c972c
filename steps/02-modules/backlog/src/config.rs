//! backlog in the configuration of a process.

use clap::{ArgAction, Args, builder::BoolishValueParser};

/// What assignments do.
#[derive(Debug, Clone, Args)]
pub struct BacklogConfig {
    /// Whether whoever is given a task gets a mail: 1 or 0.
    #[arg(
        long,
        env,
        value_name = "TELL_ASSIGNEES",
        action = ArgAction::Set,
        value_parser = BoolishValueParser::new(),
        default_value = "0"
    )]
    pub tell_assignees: bool,
}
