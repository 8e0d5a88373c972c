//! The service as it ships. Run with `web-07 migrate`, then `web-07`; `web-07 retell` tells of everything again.

use std::process::ExitCode;

fn main() -> ExitCode {
    step_07_service::command::start(&chassis::config::parse::<step_07_web::config::Config>())
}
