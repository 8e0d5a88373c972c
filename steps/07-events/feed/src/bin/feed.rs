//! The feed as it ships. Run with `feed migrate`, then `feed`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::process::main::<step_07_feed::config::Config>()
}
