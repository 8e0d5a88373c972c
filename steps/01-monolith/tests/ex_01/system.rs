//! The real Automator, with an import in it.

use acceptance::{App, Step};

/// Runs `test` on a system of its own, whose simulated GitHub has the data of `seed`.
pub(crate) fn with_system(seed: u64, test: impl AsyncFnOnce(&App)) {
    let step =
        Step { number: "01", binary: env!("CARGO_BIN_EXE_system-01"), folder: env!("CARGO_MANIFEST_DIR") };
    let seed = seed.to_string();
    acceptance::with_system(&step, |options| options.env("simulators", "SIMULATORS_SEED", seed), test);
}
