//! The service as it ships. Run with `github-07 migrate`, then `github-07`; `github-07 retell` tells of everything again.

use std::process::ExitCode;

fn main() -> ExitCode {
    step_07_service::command::start(&chassis::config::parse::<step_07_github::config::Config>())
}
