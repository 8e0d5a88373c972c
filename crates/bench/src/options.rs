//! The command line of a bench.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;

use crate::replay;

/// `cargo bench --workspace --bench bench_01 -- --seconds 10 --connections 32`
#[derive(Debug, Parser)]
#[command(name = "bench", about = "Measures a step beside a server that answers from memory")]
struct Arguments {
    #[command(flatten)]
    options: Options,
    /// Set by `cargo bench`, and not by `cargo test --all-targets`.
    #[arg(long, hide = true)]
    bench: bool,
    /// Answers from this file instead of measuring.
    #[arg(long, hide = true, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// Does so as a bare handler, without the frame of our processes.
    #[arg(long, hide = true, requires = "replay")]
    bare: bool,
}

/// How long and how hard to measure.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Seconds that each server is measured for, each kind of request.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=600))]
    seconds: u16,
    /// Connections that are kept, each with one request under way.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    connections: u16,
    /// One second each and hardly a warm-up: shows that it works, not how fast.
    #[arg(long, conflicts_with = "seconds")]
    quick: bool,
    /// Set for a bench that has turns of its own.
    #[arg(skip)]
    once: bool,
    /// What requests cost with more and more rows, where a bench can tell.
    #[arg(long)]
    scale: bool,
}

/// How many turns each server has.
const TURNS: u32 = 5;

impl Options {
    /// Whether to tell what requests cost with more and more rows, instead of taking turns.
    #[must_use]
    pub fn scale(&self) -> bool {
        self.scale
    }

    /// Turns that the servers take: what else happens on the machine hits all of them.
    #[must_use]
    pub fn turns(&self) -> u32 {
        if self.quick || self.once { 1 } else { TURNS }
    }

    /// How long a turn takes.
    #[must_use]
    pub fn turn(&self) -> Duration {
        let seconds = if self.quick { 1 } else { self.seconds };
        Duration::from_secs(seconds.into()) / if self.quick { 1 } else { TURNS }
    }

    /// How long each server is warmed up for.
    #[must_use]
    pub fn warm_up(&self) -> Duration {
        if self.quick || self.once { Duration::from_millis(200) } else { Duration::from_secs(2) }
    }

    /// The same with a single turn as long as before, for a bench that lets somebody else have turns in between.
    #[must_use]
    pub fn one_turn(&self) -> Self {
        Self { once: true, ..self.clone() }
    }

    /// The same with another number of connections, for a bench that has its own.
    #[must_use]
    pub fn with_connections(&self, connections: u16) -> Self {
        Self { connections, ..self.clone() }
    }

    /// Requests under way at once, each on a connection of its own.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.into()
    }
}

/// The whole of a bench's `main`: runs `measure` as the command line says.
#[must_use]
pub fn main(measure: impl FnOnce(&Options) -> anyhow::Result<()>) -> ExitCode {
    let arguments: Arguments = chassis::config::parse();
    if let Some(file) = arguments.replay {
        let frame = if arguments.bare { replay::Frame::Bare } else { replay::Frame::Ours };
        return chassis::process::run(async move { replay::serve(&file, frame).await });
    }
    if !arguments.bench {
        println!("nothing is measured by `cargo test`: use `cargo bench`");
        return ExitCode::SUCCESS;
    }
    chassis::client::install_crypto();
    match measure(&arguments.options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
