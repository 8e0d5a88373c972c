//! The acceptance suite on the composition: through the gateway's published port, nobody notices the containers.

use std::{process::ExitCode, sync::Arc};

use acceptance::{Stage, Step};
use manifests::containers::composed::Composed;
use step_10_containers::compose_file;

/// How many compositions are up at a time at most.
const STAGES: usize = 2;

fn main() -> ExitCode {
    let step = Step { number: "10", binary: "", folder: env!("CARGO_MANIFEST_DIR") };
    acceptance::run_on_stage(step, STAGES, || {
        Ok(Arc::new(Composed::start("suite", vec![compose_file()])?) as Arc<dyn Stage>)
    })
}
