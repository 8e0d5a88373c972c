//! What the routes share.

use std::{
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chassis::process::Misconfigured;
use domain::Catalogue;

use crate::{
    Options,
    calls::Calls,
    faults::Faults,
    github::{
        generate, load,
        rate::Meter,
        schema::{self, GitHubSchema, SharedWorld},
    },
};

/// How long the receiver of a webhook may take; GitHub gives it ten seconds too.
const WEBHOOK_DEADLINE: Duration = Duration::from_secs(10);

/// The simulated world, what was sent to it and what is to fail; clones share it.
#[derive(Clone)]
pub struct State(Arc<Shared>);

struct Shared {
    options: Options,
    world: SharedWorld,
    schema: GitHubSchema,
    meter: Meter,
    calls: Calls,
    faults: Faults,
    messages: AtomicU64,
    webhooks: reqwest::Client,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

impl State {
    /// Reads catalogue and data, or generates it.
    ///
    /// # Errors
    /// A file that cannot be read or is wrong, with its name and line.
    pub fn new(options: Options) -> Result<Self, Misconfigured> {
        let catalogue = catalogue(&options)?;
        let world = match &options.data {
            Some(file) => load::world(&catalogue, file, options.now).map_err(Misconfigured)?,
            None => generate::world(&catalogue, options.seed, options.now),
        };
        let world = Arc::new(RwLock::new(world));
        let webhooks = chassis::client::client(WEBHOOK_DEADLINE)
            .map_err(|error| Misconfigured(format!("no HTTP client for webhooks: {error}")))?;
        Ok(Self(Arc::new(Shared {
            schema: schema::build(world.clone()),
            meter: Meter::new(options.github_points),
            world,
            options,
            calls: Calls::default(),
            faults: Faults::default(),
            messages: AtomicU64::new(0),
            webhooks,
        })))
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }

    pub(crate) fn world(&self) -> &SharedWorld {
        &self.0.world
    }

    pub(crate) fn schema(&self) -> &GitHubSchema {
        &self.0.schema
    }

    pub(crate) fn meter(&self) -> &Meter {
        &self.0.meter
    }

    pub(crate) fn calls(&self) -> &Calls {
        &self.0.calls
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.0.faults
    }

    pub(crate) fn webhooks(&self) -> &reqwest::Client {
        &self.0.webhooks
    }

    /// Counts what was sent, from 1.
    pub(crate) fn next_message(&self) -> u64 {
        self.0.messages.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// How many repositories there are.
    #[must_use]
    pub fn repositories(&self) -> usize {
        self.0.world.read().unwrap_or_else(PoisonError::into_inner).repositories().len()
    }

    /// How many issues and pull requests there are.
    #[must_use]
    pub fn items(&self) -> usize {
        let world = self.0.world.read().unwrap_or_else(PoisonError::into_inner);
        world.repositories().iter().map(|repository| repository.items.len()).sum()
    }
}

fn catalogue(options: &Options) -> Result<Catalogue, Misconfigured> {
    let Some(file) = &options.catalogue else { return Ok(Catalogue::builtin()) };
    let wrong = |why: &dyn fmt::Display| {
        // TOML's errors draw the place over several lines; the first says what and where.
        let why = why.to_string();
        let first = why.lines().next().unwrap_or_default();
        Misconfigured(format!("AUTOMATOR_CATALOGUE {}: {first}", file.display()))
    };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
    text.parse().map_err(|error| wrong(&error))
}
