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

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    chassis::client::install_crypto();
    let Arguments { options } = chassis::config::parse();
    chassis::logging::init();
    match simulators::run(options).await {
        Err(error) if error.is::<simulators::ConfigError>() => {
            Ok(chassis::config::refuse(&error.to_string()))
        }
        other => other.map(|()| ExitCode::SUCCESS),
    }
}
