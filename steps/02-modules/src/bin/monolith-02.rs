//! The modular monolith as it ships. Run with `monolith-02 migrate`, then `monolith-02`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::process::main::<step_02_modules::config::Config>()
}
