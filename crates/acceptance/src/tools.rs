//! Programs that some tests need and not every machine has.

use std::{env, ffi::OsString, process::Command};

use anyhow::{Result, ensure};

use crate::databases::is_required;

/// A program of somebody else's.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    /// Its name, on the path.
    pub name: &'static str,
    /// The variable that names another place.
    pub variable: &'static str,
    /// What makes it answer and do nothing.
    pub version: &'static str,
    /// The word in `WORKSHOP_REQUIRE` with which it must be there.
    pub need: &'static str,
}

impl Tool {
    /// What to call it by. `None` when it is not there, which is said; then a test of it has nothing to do.
    ///
    /// # Errors
    /// It is not there, and `WORKSHOP_REQUIRE` has its need.
    pub fn find(&self) -> Result<Option<OsString>> {
        let program = env::var_os(self.variable).unwrap_or_else(|| self.name.into());
        if Command::new(&program).arg(self.version).output().is_ok() {
            return Ok(Some(program));
        }
        let Self { name, need, .. } = self;
        ensure!(!is_required(need), "WORKSHOP_REQUIRE has {need}, but there is no `{name}` here");
        println!("not tested: there is no `{name}` here");
        Ok(None)
    }
}
