//! The monolith as it ships. Run with `monolith-01 migrate`, then `monolith-01`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::process::main::<step_01_monolith::config::Config>()
}
