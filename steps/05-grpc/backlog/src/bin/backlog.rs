//! The service as it ships. Run with `backlog migrate`, then `backlog`.

use std::process::ExitCode;

fn main() -> ExitCode {
    step_05_backlog::app::main(&chassis::config::parse())
}
