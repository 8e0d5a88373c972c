//! The simulators as a process of their own.
//!
//! Run with `cargo run -p simulators -- --port 9000`.

use std::process::ExitCode;

use clap::Parser;

/// Simulators of GitHub, SendGrid and Twilio.
#[derive(Parser)]
#[command(name = "simulators")]
struct Arguments {
    #[command(flatten)]
    options: simulators::Options,
}

fn main() -> ExitCode {
    let Arguments { options } = chassis::config::parse();
    chassis::process::run(simulators::run(options))
}
