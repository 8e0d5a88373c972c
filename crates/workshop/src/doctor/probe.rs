//! Trying things out, each within a bound.

use std::{
    fs,
    io::Read,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// What a command prints, trimmed; an error when it fails or takes too long, with what it complained.
pub(super) fn output(command: &mut Command, limit: Duration) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let read = |pipe: Option<Box<dyn Read + Send>>| {
        thread::spawn(move || {
            let mut text = Vec::new();
            if let Some(mut pipe) = pipe {
                let _ = pipe.read_to_end(&mut text);
            }
            String::from_utf8_lossy(&text).trim().to_owned()
        })
    };
    let out = read(child.stdout.take().map(|pipe| Box::new(pipe) as _));
    let errors = read(child.stderr.take().map(|pipe| Box::new(pipe) as _));
    let until = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait().with_context(|| format!("cannot wait for {name}"))? {
            break status;
        }
        if Instant::now() >= until {
            let _ = child.kill();
            let _ = child.wait();
            bail!("{name} did not answer within {limit:?}");
        }
        thread::sleep(Duration::from_millis(5));
    };
    // The threads end when the pipes close, which they do with the process.
    let text = |thread: thread::JoinHandle<String>| thread.join().unwrap_or_default();
    if !status.success() {
        bail!("{name} failed: {}", text(errors));
    }
    Ok(text(out))
}

/// Runs `probe` in an empty folder under `folder`, which is gone afterwards.
pub(super) fn in_folder<T>(folder: &Path, probe: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    let folder = folder.join(format!("doctor-{}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("cannot write to {}", folder.display()))?;
    let result = probe(&folder);
    let _ = fs::remove_dir_all(&folder);
    result
}

/// Free space for `path`, in GB, by POSIX `df`.
pub(super) fn free_gigabytes(path: &Path) -> Result<u64> {
    if cfg!(windows) {
        bail!("Windows does not tell a program without help");
    }
    let table = output(Command::new("df").arg("-Pk").arg(path), Duration::from_secs(5))?;
    let row = table.lines().nth(1).context("df has no second line")?;
    let free: u64 = row.split_whitespace().nth(3).context("df has no fourth column")?.parse()?;
    Ok(free / 1_048_576)
}

/// How much all files below `folder` take, in GB. A file with several names counts once for each: cargo links what it has built.
pub(super) fn gigabytes_in(folder: &Path) -> u64 {
    fn bytes(folder: &Path) -> u64 {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .map(|entry| match entry.metadata() {
                Ok(meta) if meta.is_dir() => bytes(&entry.path()),
                Ok(meta) => meta.len(),
                Err(_) => 0,
            })
            .sum()
    }
    bytes(folder) / 1_073_741_824
}

/// An error's first line, at most 160 characters: compilers talk a lot.
pub(super) fn short(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.chars().take(160).collect()
}
