//! A process that runs only when somebody asks for it: started with arguments, watched, ended.

use std::{
    process::{Command, ExitStatus},
    sync::Arc,
    time::Duration,
};

use crate::{
    Definition, Error, Result, Stop, System,
    child::Child,
    log::{Log, Sink},
    system::Launch,
};

/// A running manual process. Dropped, it is asked to stop, and killed when it does not.
pub struct Manual {
    name: String,
    child: Child,
    log: Arc<Log>,
    grace: Duration,
    stop: Stop,
}

impl System {
    /// Starts a manual process, with `args` after those of `system.toml`. What it prints goes where the logs go.
    ///
    /// # Errors
    /// No manual process of that name, or the operating system refuses.
    pub fn start_manual(&self, name: &str, args: &[&str]) -> Result<Manual> {
        let launch = self.launch_of(name)?;
        let child = launch.spawn(args, &launch.log, &launch.log)?;
        Ok(Manual {
            name: name.to_owned(),
            child,
            log: Arc::clone(&launch.log),
            grace: self.grace,
            stop: self.stop.clone(),
        })
    }

    /// Runs a manual process to its end, at most for `limit`; what it printed on standard output.
    ///
    /// # Errors
    /// No manual process of that name; it fails, or it takes longer; then it is killed.
    pub fn ask_manual(&self, name: &str, args: &[&str], limit: Duration) -> Result<String> {
        let launch = self.launch_of(name)?;
        let [out, err] = [(); 2].map(|()| Arc::new(Log::new(Sink::None)));
        let mut child = launch.spawn(args, &out, &err)?;
        let name = name.to_owned();
        match child.wait(limit, &self.stop) {
            Some(status) if status.success() => Ok(out.all()),
            Some(status) => Err(Error::Exited { name, status, log: err.tail() }),
            None if self.stop.requested() => Err(Error::Stopped),
            None => Err(Error::TooLong { name, after: limit, log: err.tail() }),
        }
    }

    /// How a manual process is started, for somebody else to do so: its program, with `args`, and all of its environment.
    ///
    /// # Errors
    /// No manual process of that name.
    pub fn command_of(&self, name: &str, args: &[&str]) -> Result<Command> {
        Ok(self.launch_of(name)?.command(args))
    }

    fn launch_of(&self, name: &str) -> Result<&Launch> {
        let launch = self.manual.iter().find(|launch| launch.name == name);
        launch.ok_or_else(|| {
            let Definition { step, manual, .. } = self.definition();
            let names: Vec<_> = manual.iter().map(|process| process.name.as_str()).collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Error::NoSuchProcess(format!("step {step} has no manual process {name}, only {known}"))
        })
    }
}

impl Manual {
    /// Its number, as the operating system counts.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn poll(&mut self) -> Option<ExitStatus> {
        self.child.poll()
    }

    /// The last lines of it, and of those that were started under the same name before.
    #[must_use]
    pub fn tail(&self) -> String {
        self.log.tail()
    }

    /// Ends it without a word (SIGKILL on unix).
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        self.child.kill().map_err(|source| Error::Signal { name: self.name.clone(), action: "kill", source })
    }
}

impl Drop for Manual {
    fn drop(&mut self) {
        if !self.grace.is_zero() && self.child.ask_to_stop().is_ok() {
            self.child.wait(self.grace, &self.stop);
        }
        // Dropping the child kills whatever is left of it.
    }
}
