//! The service as it ships. Run with `insights-07 migrate`, then `insights-07`; `insights-07 rebuild` throws the read models away, and the
//! service makes them again.

use std::process::ExitCode;

fn main() -> ExitCode {
    step_07_service::command::start(&chassis::config::parse::<step_07_insights::config::Config>())
}
