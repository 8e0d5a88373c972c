//! The acceptance suite on a cluster: what `k8s/overlays/suite` describes, applied with kubectl, asked, broken and restored.
//!
//! `WORKSHOP_CLUSTER` names the context of kubectl, and with it the cluster that this may be done to; without it the suite is
//! ignored, and says so. The namespace `automator-suite` is made there, and is gone afterwards. The nodes need the images of step 10
//! under the tag `workshop`.

use std::{process::ExitCode, sync::Arc};

use acceptance::{Missing, Stage, Step, is_required};
use cluster::Cluster;

mod cluster;
mod kubectl;
mod ways;

/// The context of kubectl.
const CONTEXT: &str = "WORKSHOP_CLUSTER";
/// One namespace, one system.
const STAGES: usize = 1;

fn main() -> ExitCode {
    let step = Step { number: "11", binary: "", folder: env!("CARGO_MANIFEST_DIR") };
    acceptance::run_on_stage(step, STAGES, || {
        let Some(context) = std::env::var(CONTEXT).ok().filter(|context| !context.is_empty()) else {
            let reason = format!("{CONTEXT} names no cluster");
            return Err(Missing { reason, required: is_required("cluster") });
        };
        // Whoever names a cluster wants it used.
        let cluster = Cluster::set_up(&context);
        let cluster = cluster.map_err(|error| Missing { reason: format!("{error:#}"), required: true })?;
        Ok(Arc::new(cluster) as Arc<dyn Stage>)
    })
}
