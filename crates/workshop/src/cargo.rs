//! Cargo, started by us as the reader would start it.

use std::{
    env,
    ffi::OsStr,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use harness::Stop;
use serde::Deserialize;

use crate::output::complain;

/// What `cargo run` tells the program that it runs about that program's own package. Inherited by a second cargo, it looks
/// like a changed setting to build scripts that ask for it (ring's does), and everything above them is compiled again.
fn is_about_us(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|prefix| name.starts_with(prefix))
        || ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"].contains(&name.as_ref())
}

/// The cargo that started us, whose toolchain built us, or the one on the path.
pub(crate) fn command() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os().filter(|(name, _)| is_about_us(name)) {
        cargo.env_remove(name);
    }
    cargo
}

/// A line of cargo's `--message-format=json`, as far as it matters to us.
#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    pub(crate) reason: String,
    pub(crate) target: Option<Target>,
    pub(crate) executable: Option<PathBuf>,
    pub(crate) message: Option<Diagnostic>,
}

/// What was compiled.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
}

/// What the compiler says.
#[derive(Debug, Deserialize)]
pub(crate) struct Diagnostic {
    pub(crate) level: String,
    pub(crate) rendered: Option<String>,
    pub(crate) spans: Vec<Span>,
}

/// Where it says so. The path is relative to the root of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Span {
    pub(crate) file_name: String,
    pub(crate) is_primary: bool,
}

/// What came of a build.
pub(crate) struct Built {
    pub(crate) success: bool,
    pub(crate) messages: Vec<Message>,
    /// What cargo itself complained of; empty when it went to the terminal.
    pub(crate) complaints: String,
}

impl Built {
    /// The program that was built from the target `name`.
    pub(crate) fn executable(&self, name: &str) -> Option<&Path> {
        let artifacts = self.messages.iter().filter(|message| message.reason == "compiler-artifact");
        artifacts
            .filter(|message| message.target.as_ref().is_some_and(|target| target.name == name))
            .find_map(|message| message.executable.as_deref())
    }
}

/// Who shows what cargo and the compiler have to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// They do, in the terminal.
    Shown,
    /// We do, later and in short.
    Kept,
}

/// Runs `cargo ARGUMENTS` in `root`; the arguments ask for a build. `--workspace` belongs to them, always: `--package`
/// would resolve features differently and build most of it twice.
///
/// # Errors
/// Cargo is not there, or `stop` was requested meanwhile.
pub(crate) fn build<S: AsRef<OsStr>>(
    root: &Path,
    arguments: &[S],
    output: Output,
    stop: &Stop,
) -> Result<Built> {
    let (format, errors) = match output {
        Output::Shown => ("--message-format=json-render-diagnostics", Stdio::inherit()),
        Output::Kept => ("--message-format=json", Stdio::piped()),
    };
    let mut cargo = command();
    if output == Output::Kept {
        // We read what it says, so it has to say it, and plainly, whatever the reader has set for themselves.
        for (name, value) in
            [("COLOR", "never"), ("QUIET", "false"), ("VERBOSE", "false"), ("PROGRESS_WHEN", "never")]
        {
            cargo.env(format!("CARGO_TERM_{name}"), value);
        }
    }
    cargo
        .args(arguments)
        .arg(format)
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors);
    let mut cargo = cargo.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => anyhow::anyhow!("cargo is not there: install Rust from https://rustup.rs"),
        _ => anyhow::Error::new(error).context("cannot start cargo"),
    })?;
    let messages = cargo.stdout.take().context("cargo has no output")?;
    let reader = thread::spawn(move || {
        let mut text = String::new();
        BufReader::new(messages).read_to_string(&mut text).map(|_| text)
    });
    let listener = cargo.stderr.take().map(|errors| thread::spawn(move || listen(errors)));
    let success = wait(&mut cargo, stop)?;
    let text = reader.join().map_err(|_| anyhow::anyhow!("cargo's output could not be read"))??;
    let complaints = listener.and_then(|listener| listener.join().ok()).unwrap_or_default();
    let messages = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Ok(Built { success, messages, complaints })
}

/// How many crates are compiled before we say that it takes longer: an edit compiles fewer.
const MANY: usize = 8;

/// Reads cargo's standard error to its end, and passes on what explains a wait.
fn listen(errors: impl Read) -> String {
    let mut kept = String::new();
    let mut compiled = 0;
    // Cargo waits for several locks, one after the other; the reader waits once.
    let mut has_waited = false;
    for line in BufReader::new(errors).lines().map_while(Result::ok) {
        let word = line.split_whitespace().next().unwrap_or_default();
        match word {
            "Blocking" if has_waited => {}
            "Blocking" => {
                has_waited = true;
                complain("another cargo is at work here; waiting for it");
            }
            "Downloading" | "Updating" => complain(line.trim()),
            "Compiling" => {
                compiled += 1;
                if compiled == MANY {
                    complain("building (the first time takes some minutes)");
                }
            }
            _ => {
                kept.push_str(&line);
                kept.push('\n');
            }
        }
    }
    kept
}

/// Whether cargo succeeded. When somebody asks to stop, it is stopped.
fn wait(cargo: &mut Child, stop: &Stop) -> Result<bool> {
    loop {
        if let Some(status) = cargo.try_wait().context("cannot wait for cargo")? {
            return Ok(status.success());
        }
        if stop.requested() {
            // In a terminal it has heard Ctrl-C as we have; elsewhere nobody told it.
            let _ = cargo.kill();
            let _ = cargo.wait();
            bail!("stopped while building");
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_cargo_hears_settings_but_nothing_about_our_package() {
        // This test itself runs under cargo, which has told it all of these.
        assert!(env::var_os("CARGO_PKG_NAME").is_some_and(|_| is_about_us("CARGO_PKG_NAME".as_ref())));
        let cargo = command();
        let removed: Vec<_> =
            cargo.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR"] {
            assert!(removed.contains(&OsStr::new(name)), "{name} is passed on");
        }
        for name in
            ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_NET_OFFLINE", "CARGO_BUILD_JOBS", "CARGO_TERM_COLOR"]
        {
            assert!(!is_about_us(name.as_ref()), "{name} is a setting of the reader's");
        }
    }
}
