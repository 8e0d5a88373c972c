//! Messages of step 06 as it ships. Run with `notify-06 migrate`, then `notify-06`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::process::main::<step_06_own_data::services::Notify>()
}
