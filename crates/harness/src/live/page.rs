//! The page of the live map: a process of its own (`map page`, in `crates/map`) that is told what happens and says what its readers
//! want done. Should it end, the system goes on without it.

use std::{io, path::Path, time::Duration};

use serde::Serialize;

use super::helper::Helper;

/// How long the page may take until it listens.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// What a page has to know from its beginning.
#[derive(Debug, Serialize)]
pub struct Setting<'a> {
    /// The workshop's folder.
    pub root: &'a Path,
    /// The folder of the step that runs, such as `05-grpc`.
    pub step: &'a str,
    /// The first port to try; the next free one is taken.
    pub port: u16,
    /// Where clients find the system.
    pub front: &'a str,
    /// The current exercise, such as `05.1 Errors on the wire`.
    pub exercise: Option<String>,
}

/// A running page. Dropped, it ends.
pub struct Page {
    pub(super) helper: Helper,
    address: String,
}

impl Page {
    /// Starts it with `program`, the binary of `crates/map`.
    ///
    /// # Errors
    /// The program is not there or does not become ready, with its reason.
    pub fn start(program: &Path, setting: &Setting<'_>) -> io::Result<Self> {
        let helper = Helper::start(program, &["page"])?;
        helper.say(serde_json::to_string(setting)?);
        let said = helper.first_word(READY_WITHIN)?;
        match said.strip_prefix("ready ") {
            Some(address) => Ok(Self { helper, address: address.to_owned() }),
            None => Err(io::Error::other(said)),
        }
    }

    /// Where people find it, with the token that lets them in.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The number of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.helper.id()
    }
}
