//! kubectl, in one context and one namespace.

use std::{
    env,
    ffi::OsString,
    process::{Command, Stdio},
};

use acceptance::anyhow::{Context, Result, bail};

/// How kubectl is called.
#[derive(Debug, Clone)]
pub(crate) struct Kubectl {
    context: String,
    namespace: &'static str,
}

impl Kubectl {
    pub(crate) fn new(context: &str, namespace: &'static str) -> Self {
        Self { context: context.to_owned(), namespace }
    }

    /// The command, to be started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let program = env::var_os("WORKSHOP_KUBECTL").unwrap_or_else(|| OsString::from("kubectl"));
        let mut command = Command::new(program);
        command.args(["--context", &self.context, "--namespace", self.namespace]).args(arguments);
        command.stdin(Stdio::null());
        command
    }

    /// What it prints.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String> {
        run(&mut self.command(arguments))
    }
}

/// Runs a command to its end; what it printed, without the last line's end.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
