//! What moves the rows of a service into a database of its own, as it ships. Run with `mover-06 move`.

use std::process::ExitCode;

fn main() -> ExitCode {
    step_06_own_data::mover::main(&chassis::config::parse())
}
