//! The service as it ships. Run with `backlog migrate`, then `backlog`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::process::main::<step_05_backlog::config::Config>()
}
