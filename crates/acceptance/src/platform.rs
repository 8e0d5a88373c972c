//! Where a step's processes run: beside the tests, or in containers.

use std::path::Path;

use anyhow::{Context, Result, bail};
use harness::{Definition, System};

/// The processes of a step, asked and broken by name. All of it blocks.
pub trait Platform: Send + Sync {
    /// What the step's `system.toml` says.
    fn definition(&self) -> &Definition;

    /// Where a process is reached from here.
    ///
    /// # Errors
    /// No process of that name that is.
    fn url(&self, process: &str) -> Result<&str>;

    /// Ends a process without a word.
    ///
    /// # Errors
    /// It was not running.
    fn kill(&self, process: &str) -> Result<()>;

    /// Asks a process to stop and waits for its end.
    ///
    /// # Errors
    /// It does not stop in time, or with a failure.
    fn terminate(&self, process: &str) -> Result<()>;

    /// Starts a process that was ended, or waits for whoever starts it by itself, until it is ready.
    ///
    /// # Errors
    /// It is not ready in time.
    fn start_again(&self, process: &str) -> Result<()>;

    /// The last lines of every process, each under its name.
    fn tails(&self) -> String;
}

impl Platform for System {
    fn definition(&self) -> &Definition {
        self.definition()
    }

    fn url(&self, process: &str) -> Result<&str> {
        Ok(self.url(process)?)
    }

    fn kill(&self, process: &str) -> Result<()> {
        Ok(self.kill(process)?)
    }

    fn terminate(&self, process: &str) -> Result<()> {
        let status = self.terminate(process)?;
        if !status.success() {
            bail!("a stop that was asked for is no failure: {process} {status}");
        }
        Ok(())
    }

    fn start_again(&self, process: &str) -> Result<()> {
        Ok(self.start_again(process)?)
    }

    fn tails(&self) -> String {
        self.tails()
    }
}

/// A platform on which one system stands for many scenarios, each of which finds it as if it had just been started.
pub trait Stage: Platform {
    /// The file with the repositories that are tracked, as the processes read it.
    fn catalogue(&self) -> &Path;

    /// Keeps what is in the databases under `name`, for [`Stage::renew`]. Nothing may be writing.
    ///
    /// # Errors
    /// The database does not copy.
    fn keep(&self, name: &str) -> Result<()>;

    /// Puts the databases back to what was kept under `name`, and starts everything again.
    ///
    /// # Errors
    /// The database does not copy, or a process does not come back.
    fn renew(&self, name: &str) -> Result<()>;
}

/// Where clients find the system.
pub(crate) fn front(platform: &dyn Platform) -> Result<&str> {
    platform.url(&platform.definition().front).context("the front does not listen")
}
