//! The lines between us and whoever started us.

use std::io::{self, BufRead, Write};

use anyhow::{Context, Result};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Says a line. When nobody hears it, our input has closed as well, and that ends us.
pub(crate) fn say(line: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush());
}

/// The first line, and those after it. The process ends when there are no more: its parent is gone, or wants it to end.
///
/// # Errors
/// There is no first line.
pub(crate) fn listen() -> Result<(String, UnboundedReceiver<String>)> {
    let mut first = String::new();
    io::stdin().lock().read_line(&mut first).context("cannot read standard input")?;
    let (sender, lines) = unbounded_channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            // The receiver lives as long as the process.
            let _ = sender.send(line);
        }
        std::process::exit(0);
    });
    Ok((first, lines))
}
