//! The commands that a README tells its reader to type.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{App, TOKEN};

/// The address and the token that READMEs speak of: those of `cargo workshop run`.
const FRONT: &str = "http://127.0.0.1:8080";
const SIMULATORS: &str = "http://127.0.0.1:9000";
const SHOWN_TOKEN: &str = "workshop-token";

/// Runs every `curl` in the `sh` blocks of `markdown`, one after the other as a reader would, against `app` instead of the
/// addresses that they name. How many there were.
///
/// # Errors
/// As [`run_curl`]; or nobody took a webhook.
pub fn run_curl_commands(app: &App, markdown: &str) -> Result<usize> {
    let simulators = app.system().url("simulators")?;
    let mut ran = 0;
    for line in shell_commands(markdown).filter(|line| line.starts_with("curl ")) {
        let said = run_curl(&line.replace(SIMULATORS, simulators), app.system().front())?;
        // The simulators answer 200 also when the receiver of a webhook refused it.
        ensure!(
            !line.contains("deliver_to") || said.contains("202"),
            "nobody took the webhook of\n  {line}\n  {said}"
        );
        ran += 1;
    }
    Ok(ran)
}

/// Runs a `curl` of a README with `front` and the suite's token in place of those that it names; what it printed.
///
/// # Errors
/// No `curl` or `sh` on this machine; a command that fails, or that is answered with an error.
pub fn run_curl(line: &str, front: &str) -> Result<String> {
    let here = line.replace(FRONT, front).replace(SHOWN_TOKEN, TOKEN).replacen(
        "curl ",
        "curl --silent --show-error --fail-with-body --max-time 20 ",
        1,
    );
    let output = Command::new("sh").args(["-c", &here]).output().context("cannot run `sh`")?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "a reader who types\n  {line}\ngets\n  {said}");
    Ok(said)
}

/// The lines of the `sh` blocks: what a README tells its reader to type.
pub fn shell_commands(markdown: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    markdown.lines().filter(move |line| {
        if line.starts_with("```") {
            inside = line.trim_end() == "```sh";
            return false;
        }
        inside
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_in_a_shell_block_is_a_command() {
        let text = "curl a\n```sh\ncurl b\ncargo c\n```\ncurl d\n```json\ncurl e\n```\n";
        assert_eq!(shell_commands(text).collect::<Vec<_>>(), ["curl b", "cargo c"]);
    }
}
