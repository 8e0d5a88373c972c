//! The monolith of step 04 as it ships. Run with `monolith-04 migrate`, then `monolith-04`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::process::main::<step_04_first_service::config::Config>()
}
