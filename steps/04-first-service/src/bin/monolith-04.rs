//! The monolith of step 04 as it ships. Run with `monolith-04 migrate`, then `monolith-04`.

use std::process::ExitCode;

fn main() -> ExitCode {
    step_04_first_service::app::main(&chassis::config::parse())
}
