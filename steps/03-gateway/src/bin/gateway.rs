//! The gateway as it ships. Run with `gateway` beside a `gateway.toml`.

use std::process::ExitCode;

fn main() -> ExitCode {
    step_03_gateway::app::main(&chassis::config::parse())
}
