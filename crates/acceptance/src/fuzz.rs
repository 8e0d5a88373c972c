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

/// The same where everything is checked.
const FEW: &str = "8";

/// Asks `process` what its own OpenAPI document describes, with `token`, and with values that it does not describe too: no
/// answer is one of 500 and above. Blocks. `Ok(false)` when the command is not there.
///
/// # Errors
/// The command's own report, with the request that was answered so.
pub fn never_fails(app: &App, process: &str, token: &str) -> Result<bool> {
    run(app, process, token, &["--checks", "not_a_server_error", "--max-examples", EXAMPLES])
}

/// Asks the same with every check that there is but one, and what [`Asked`] leaves out: each answer is one that the document
/// describes, what the document forbids is refused, nothing is done for whoever shows no token. That all is taken which a schema
/// allows is not asked: a login that is taken is refused, and no schema says so. Blocks. `Ok(false)` when the command is not there.
///
/// # Errors
/// As [`never_fails`].
pub fn keeps_its_word(app: &App, process: &str, token: &str, asked: Asked) -> Result<bool> {
    let arguments = match asked {
        Asked::ByServices => ["--exclude-checks", "positive_data_acceptance", "--phases", "coverage,fuzzing"],
        Asked::ByClients => {
            ["--exclude-checks", "positive_data_acceptance,negative_data_rejection", "--phases", "fuzzing"]
        }
    };
    run(app, process, token, &[&["--checks", "all", "--max-examples", FEW], &arguments[..]].concat())
}

/// Who asks what a document describes.
#[derive(Debug, Clone, Copy)]
pub enum Asked {
    /// Services of ours.
    ByServices,
    /// Clients, and forms of browsers. A form sends each of its fields, so a parameter without a value counts as one that is not
    /// given, whatever its schema says. What lies at the borders of each schema is left to [`never_fails`]: it is the most.
    ByClients,
}

fn run(app: &App, process: &str, token: &str, arguments: &[&str]) -> Result<bool> {
    let Some(program) = SCHEMATHESIS.find()? else { return Ok(false) };
    let document = format!("{}/openapi.json", app.system().url(process)?);
    let output = Command::new(&program)
        .args(["run", &document, "--no-color", "--seed", "1"])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--request-timeout", "20"])
        .args(arguments)
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
