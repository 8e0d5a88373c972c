//! Talking to the person. Unlike `println!`, nothing here panics when nobody listens any more.

use std::io::Write;

/// A line on standard output.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// A line on standard error.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Colours, where standard output is a terminal and `NO_COLOR` is not set (<https://no-color.org>).
pub(crate) mod style {
    use std::{env, io::IsTerminal, sync::OnceLock};

    fn is_wanted() -> bool {
        static WANTED: OnceLock<bool> = OnceLock::new();
        *WANTED.get_or_init(|| {
            env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                && env::var_os("TERM").is_none_or(|term| term != "dumb")
                && std::io::stdout().is_terminal()
        })
    }

    fn in_colour(code: u8, text: &str) -> String {
        if is_wanted() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub(crate) fn red(text: &str) -> String {
        in_colour(31, text)
    }

    pub(crate) fn green(text: &str) -> String {
        in_colour(32, text)
    }

    pub(crate) fn bold(text: &str) -> String {
        in_colour(1, text)
    }

    pub(crate) fn dim(text: &str) -> String {
        in_colour(2, text)
    }
}
