//! Requests that nobody thought of, made up from an OpenAPI document by schemathesis (a command of its own, from PyPI).
//!
//! Without that command a test of it says so and passes, unless `WORKSHOP_REQUIRE` has `fuzz`: then it fails.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{App, tools::Tool};

const SCHEMATHESIS: Tool =
    Tool { name: "schemathesis", variable: "WORKSHOP_SCHEMATHESIS", version: "--version", need: "fuzz" };

/// How many requests are made up for each operation, beside those that its schema's borders give: some 1,300 in all, 20 s.
const EXAMPLES: &str = "15";

/// Asks `process` what its own OpenAPI document describes, with `token`, and with values that it does not describe too: no
/// answer is one of 500 and above. Blocks. `Ok(false)` when the command is not there.
///
/// # Errors
/// The command's own report, with the request that was answered so.
pub fn never_fails(app: &App, process: &str, token: &str) -> Result<bool> {
    let Some(program) = SCHEMATHESIS.find()? else { return Ok(false) };
    let document = format!("{}/openapi.json", app.system().url(process)?);
    let output = Command::new(&program)
        .args(["run", &document, "--checks", "not_a_server_error", "--no-color", "--seed", "1"])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--max-examples", EXAMPLES, "--request-timeout", "20"])
        .output()
        .context("cannot run schemathesis")?;
    let report = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{process}: {}\n{report}", output.status);
    // A document whose parts are not there is not asked for them.
    ensure!(!report.contains("unresolvable reference"), "{process}: its document is not whole\n{report}");
    println!(
        "{process}: {}",
        report.lines().find(|line| line.contains(" generated, ")).unwrap_or_default().trim()
    );
    Ok(true)
}
