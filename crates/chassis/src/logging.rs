//! Logs on stderr, one line an event, filtered by `RUST_LOG` (`info` unless told).

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging; a second call changes nothing.
///
/// A filter that cannot be read is reported and replaced by `info`: a typing error in `RUST_LOG`
/// must not silence a process.
pub fn init() {
    let filter = std::env::var("RUST_LOG").unwrap_or_default();
    let (filter, problem) = match EnvFilter::builder().parse(&filter) {
        Ok(parsed) if !filter.is_empty() => (parsed, None),
        Ok(_) => (EnvFilter::new("info"), None),
        Err(error) => (EnvFilter::new("info"), Some(error)),
    };
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .with_target(false)
        .try_init()
        .is_ok();
    if let (true, Some(error)) = (started, problem) {
        tracing::warn!(%error, "RUST_LOG cannot be read; logging at info");
    }
}
