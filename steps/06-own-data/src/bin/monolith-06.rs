//! The monolith of step 06 as it ships. Run with `monolith-06 migrate`, then `monolith-06`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::process::main::<step_06_own_data::config::Config>()
}
