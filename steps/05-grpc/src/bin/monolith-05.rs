//! The monolith of step 05 as it ships. Run with `monolith-05 migrate`, then `monolith-05`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::process::main::<step_05_grpc::config::Config>()
}
