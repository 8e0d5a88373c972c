//! The processes of step 01, for its `system-01` and for every later step that keeps some of them.

use std::process::ExitCode;

use clap::Subcommand;

/// The processes of step 01.
#[derive(Debug, Subcommand)]
pub enum Process {
    /// Automator.
    Monolith(Box<crate::config::Config>),
    /// GitHub, SendGrid and Twilio.
    Simulators(Box<simulators::Options>),
}

impl Process {
    /// Runs it; the exit code of the process.
    #[must_use]
    pub fn main(self) -> ExitCode {
        match self {
            Self::Monolith(config) => chassis::process::start(&*config),
            Self::Simulators(options) => chassis::process::run(simulators::run(*options)),
        }
    }
}
