//! Building a step's binary, and taking a copy of it that cargo may replace while ours runs.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use harness::Stop;
use serde::Deserialize;

use crate::{say::complain, workshop::Workshop};

/// The lines of cargo's `--message-format=json` that matter to us.
#[derive(Deserialize)]
struct Message {
    reason: String,
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Builds `binary` and copies it into `folder`; the path of the copy. cargo's own progress and errors go to the terminal.
pub(super) fn build(workshop: &Workshop, binary: &str, folder: &Path, stop: &Stop) -> Result<PathBuf> {
    complain(&format!("building {binary} (the first time takes some minutes)"));
    let mut cargo = crate::cargo::command()
        // `--workspace`, always: `--package` would resolve features differently and build most of it twice.
        .args(["build", "--workspace", "--bin", binary, "--message-format=json-render-diagnostics"])
        .current_dir(&workshop.root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                anyhow::anyhow!("cargo is not there: install Rust from https://rustup.rs")
            }
            _ => anyhow::Error::new(error).context("cannot start cargo"),
        })?;
    let messages = cargo.stdout.take().context("cargo has no output")?;
    let reader = thread::spawn(move || {
        let mut text = String::new();
        io::BufReader::new(messages).read_to_string(&mut text).map(|_| text)
    });
    if !wait(&mut cargo, stop)? {
        bail!("{binary} was not built; cargo says above why");
    }
    let text = reader.join().map_err(|_| anyhow::anyhow!("cargo's output could not be read"))??;
    let built = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter(|message| message.reason == "compiler-artifact")
        .filter(|message| message.target.as_ref().is_some_and(|target| target.name == binary))
        .find_map(|message| message.executable)
        .with_context(|| format!("cargo built no {binary}"))?;
    copy(&built, folder).with_context(|| format!("cannot copy {binary} to {}", workshop.shown(folder)))
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

/// Beside, then in its place: the old copy may be running still.
fn copy(built: &Path, folder: &Path) -> io::Result<PathBuf> {
    let name = built.file_name().unwrap_or(built.as_os_str());
    let target = folder.join(name);
    let beside = folder.join(format!("{}.new", name.to_string_lossy()));
    fs::copy(built, &beside)?;
    fs::rename(&beside, &target)?;
    Ok(target)
}
