//! `cargo workshop once`: a process of the running step that waits for somebody to ask, such as one that builds something anew.

use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use crate::{Usage, output::say, run::Running, workshop::Workshop};

/// Runs it to its end; its output is shown as it is, and its exit code is ours.
pub(crate) fn once(workshop: &Workshop, name: Option<&str>, args: &[String]) -> Result<ExitCode> {
    let Some((step, running)) = Running::find(workshop) else {
        bail!("no step is running; start one in another terminal, such as: cargo workshop run 7");
    };
    let known: Vec<_> = running.manual.keys().map(String::as_str).collect();
    if known.is_empty() {
        bail!("step {}, which is running, has no process that waits for somebody to ask", step.number);
    }
    let Some(name) = name else {
        say(&format!("Step {} has: {}", step.number, known.join(", ")));
        return Ok(ExitCode::SUCCESS);
    };
    let Some(manual) = running.manual.get(name) else {
        return Err(Usage(format!(
            "step {} has no {name} to ask for; there are: {}",
            step.number,
            known.join(", ")
        ))
        .into());
    };
    let mut child = manual
        .command()
        .args(args)
        .stdin(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    // It ends when its standard input does: with us, and not before.
    let _open = child.stdin.take();
    let status = child.wait().with_context(|| format!("cannot wait for {name}"))?;
    Ok(u8::try_from(status.code().unwrap_or(1)).map_or(ExitCode::FAILURE, ExitCode::from))
}
