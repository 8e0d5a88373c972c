//! The service as it ships. Run with `notify migrate`, then `notify`.

use std::process::ExitCode;

fn main() -> ExitCode {
    step_04_notify::app::main(&chassis::config::parse())
}
