//! The service as it ships. Run with `notify migrate`, then `notify`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::process::main::<step_04_notify::config::Config>()
}
