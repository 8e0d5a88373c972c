//! A terminal, which `script` of util-linux plays.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use crate::support::{Cmd, Running};

/// Starts the command at a terminal.
pub(crate) fn start(command: &Cmd) -> Running {
    let words = std::iter::once(command.0.get_program()).chain(command.0.get_args());
    let typed: Vec<_> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let mut script = Command::new("script");
    script.args(["-qec", &typed.join(" "), "/dev/null"]).current_dir(command.0.get_current_dir().unwrap());
    script.env_remove("CARGO_TARGET_DIR").env("CARGO_NET_OFFLINE", "true").env("TERM", "xterm");
    script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Cmd(script).start()
}

/// Presses Enter there.
pub(crate) fn enter(running: &mut Running) {
    running.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
}
