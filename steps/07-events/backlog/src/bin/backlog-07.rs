//! The service as it ships. Run with `backlog-07 migrate`, then `backlog-07`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::process::main::<step_07_backlog::config::Config>()
}
