//! Tasks and rules of step 06 as it ships. Run with `backlog-06 migrate`, then `backlog-06`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::process::main::<step_06_own_data::services::Backlog>()
}
